//! Plans for jump labels.

use proptest::prelude::*;

use super::*;
use crate::layout::Polarity;

/// Generates code that is a label or nearly one, with an address and a test.
fn codes() -> impl Strategy<Value = (u64, [u8; 8], u64)> {
    let first = prop_oneof![8 => Just(233_u8), 1 => Just(232), 1 => Just(103), 1 => any::<u8>()];
    let displacement = -1000..1000_i32;
    let off = prop_oneof![5 => Just(0_u64), 1 => 1..3_u64];
    (first, displacement, 0x5555_0000_0000..0x5555_0000_0010_u64, off).prop_map(
        |(first, displacement, address, off)| {
            let [a, b, c, d] = displacement.to_le_bytes();
            let bytes = [first, a, b, c, d, 233, 0, 0];
            let cold = address.wrapping_add(5).wrapping_add_signed(displacement.into());
            (address, bytes, cold.wrapping_add(off))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// A label is a five-byte jump in one quadword to exactly its test, and nothing else is.
    #[test]
    fn what_is_a_label((address, bytes, cold) in codes()) {
        let is_jump = bytes[0] == 233 && decode(&bytes, address).near_branch_target() == cold;
        let shape = LabelShape::new(address, cold, cold);
        prop_assert_eq!(shape.is_some(), address / 8 == (address + 4) / 8);
        prop_assert!(shape.is_none_or(|shape| shape.is(LabelForm::Test, &bytes) == is_jump));
        prop_assert!(shape.is_none_or(|shape| !shape.is(LabelForm::Test, &bytes[..4])));
    }

    /// In any walk, each change between the jumps and the no-op is one store inside one quadword.
    #[test]
    fn labels_change_as_a_whole(
        at in 0x0aaa_a000_0000..0x0aaa_a000_1000_u64,
        offset in 0..4_u64,
        displacements: [i32; 2],
        walk in prop::collection::vec(0..3_usize, 1..8),
        filler: u8,
    ) {
        let address = at * 8 + offset;
        let jumps = displacements.map(|displacement| {
            let [a, b, c, d] = displacement.to_le_bytes();
            [233, a, b, c, d]
        });
        let [test, block] = jumps.map(|jump| decode(&jump, address).near_branch_target());
        let shape = LabelShape::new(address, test, block).expect("a label");
        let mut memory = Memory { start: at * 8 - 8, bytes: std::vec![filler; 32] };
        memory.write(address, &jumps[0]);
        let mut form = LabelForm::Test;
        let forms = [LabelForm::Test, LabelForm::Next, LabelForm::Block];
        for to in walk.into_iter().map(|i| forms[i]) {
            match shape.store(form, to) {
                None => prop_assert!(form == to || test == block),
                Some(change) => {
                    prop_assert_ne!(form, to);
                    prop_assert_eq!((change.address, change.length), (address, 5));
                    prop_assert_eq!(change.width, Width::Quadword);
                    memory.apply(&change);
                }
            }
            form = to;
            let now = memory.instruction(address);
            prop_assert_eq!(now.len(), 5);
            match form {
                LabelForm::Next => prop_assert_eq!(now.mnemonic(), Mnemonic::Nop),
                LabelForm::Test => prop_assert_eq!(now.near_branch_target(), test),
                LabelForm::Block => prop_assert_eq!(now.near_branch_target(), block),
            }
        }
        let own = address..address + 5;
        for beside in (memory.start..memory.start + 32).filter(|a| !own.contains(a)) {
            prop_assert_eq!(memory.bytes[(beside - memory.start) as usize], filler);
        }
    }
}

/// A label falls through by the expected answer, and jumps to its block by the other one.
#[test]
fn answers() {
    use LabelForm::{Block, Next};
    use Polarity::{Likely, Unlikely};

    let answers = |polarity| [false, true].map(|is_on| LabelShape::answer(polarity, is_on));
    assert_eq!((answers(Unlikely), answers(Likely)), ([Next, Block], [Block, Next]));
    assert!(LabelShape::new(0x1000, 0x2000, 0x3000).is_some());
    for (test, block) in [(0x2000, 1 << 40), (1 << 40, 0x3000)] {
        assert!(LabelShape::new(0x1000, test, block).is_none(), "out of reach");
    }
}
