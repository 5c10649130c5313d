//! Plans for jump labels.

use proptest::prelude::*;

use super::*;

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
        let expected = is_jump && address / 8 == (address + 4) / 8;
        prop_assert_eq!(LabelShape::new(address, &bytes, cold).is_some(), expected);
        prop_assert!(LabelShape::new(address, &bytes[..4], cold).is_none());
    }

    /// In any walk, each change between the jump and the no-op is one store inside one quadword.
    #[test]
    fn labels_change_as_a_whole(
        at in 0x0aaa_a000_0000..0x0aaa_a000_1000_u64,
        offset in 0..4_u64,
        displacement: i32,
        walk in prop::collection::vec(any::<bool>(), 1..6),
        filler: u8,
    ) {
        let address = at * 8 + offset;
        let [a, b, c, d] = displacement.to_le_bytes();
        let jump = [233, a, b, c, d];
        let cold = decode(&jump, address).near_branch_target();
        let shape = LabelShape::new(address, &jump, cold).expect("a label");
        let mut memory = Memory { start: at * 8 - 8, bytes: std::vec![filler; 32] };
        memory.write(address, &jump);
        let mut falls_through = false;
        for to in walk {
            match shape.store(falls_through, to) {
                None => prop_assert_eq!(falls_through, to),
                Some(change) => {
                    prop_assert_ne!(falls_through, to);
                    prop_assert_eq!((change.address, change.length), (address, 5));
                    prop_assert_eq!(change.width, Width::Quadword);
                    memory.apply(&change);
                }
            }
            falls_through = to;
            let now = memory.instruction(address);
            prop_assert_eq!(now.len(), 5);
            match falls_through {
                true => prop_assert_eq!(now.mnemonic(), Mnemonic::Nop),
                false => prop_assert_eq!(now.near_branch_target(), cold),
            }
        }
        let own = address..address + 5;
        for beside in (memory.start..memory.start + 32).filter(|a| !own.contains(a)) {
            prop_assert_eq!(memory.bytes[(beside - memory.start) as usize], filler);
        }
    }
}

/// A label falls through if the answer is the expected one.
#[test]
fn polarities() {
    assert!(LabelShape::falls_through(Polarity::Unlikely, false));
    assert!(!LabelShape::falls_through(Polarity::Unlikely, true));
    assert!(LabelShape::falls_through(Polarity::Likely, true));
    assert!(!LabelShape::falls_through(Polarity::Likely, false));
}
