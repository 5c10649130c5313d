//! Tests of the encodings of `static_call::arch` against iced-x86, and of grades against their
//! definition.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use proptest::prelude::*;
use static_call::arch::x86_64::{Branch, decode_jmp_memory, grade, trampoline_jmp};
use static_call::layout::{Grade, Kind, TableEntry, TableHeader};

fn iced(bytes: &[u8], address: u64) -> Instruction {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
}

/// Decodes a direct branch with a 32-bit displacement, with iced.
fn oracle(bytes: &[u8], address: u64) -> Option<(Kind, usize, u64)> {
    let i = iced(bytes, address);
    // iced counts `vmrun` as a call, too.
    if i.op0_kind() != OpKind::NearBranch64 {
        return None;
    }
    let kind = match i.flow_control() {
        FlowControl::Call => Kind::Call,
        FlowControl::UnconditionalBranch => Kind::Jmp,
        FlowControl::ConditionalBranch => Kind::Jcc,
        _ => return None,
    };
    Some((kind, i.len(), i.near_branch_target()))
}

fn bytes() -> impl Strategy<Value = [u8; 16]> {
    let head = prop_oneof![
        prop::sample::select(vec![
            vec![0xe8],
            vec![0xe9],
            vec![0x67, 0xe8],
            vec![0x67, 0xe9],
            vec![0x66, 0xe8],
            vec![0x0f],
            vec![0xff, 0x25],
            vec![0xff, 0x15],
            vec![0xeb],
            vec![0x67],
        ]),
        prop::collection::vec(any::<u8>(), 0..3),
        (0x80..0x90u8).prop_map(|b| vec![0x0f, b]),
    ];
    (head, any::<[u8; 16]>()).prop_map(|(head, mut all)| {
        all[..head.len()].copy_from_slice(&head);
        all
    })
}

/// Returns the grade as DESIGN.md defines it, byte by byte.
fn defined(address: u64, disp_at: u8, length: u8) -> Grade {
    let same = |from: u64, to: u64, unit: u64| (from..to).all(|a| a / unit == from / unit);
    let (end, disp) = (address + u64::from(length), address + u64::from(disp_at));
    if same(address, end, 8) {
        Grade::Quad
    } else if same(disp, disp + 4, 8) {
        Grade::Disp
    } else if same(address, end, 64) {
        Grade::Line
    } else {
        Grade::Straddle
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn branches_agree_with_iced(bytes in bytes(), address in 0..1u64 << 47) {
        if let Some(b) = Branch::decode(&bytes) {
            let expected = (b.kind, usize::from(b.length), b.destination(address));
            prop_assert_eq!(oracle(&bytes, address), Some(expected));
            let again = b.displacement_to(address, b.destination(address));
            prop_assert_eq!(again, Some(b.displacement));
        } else if let Some((_, length, _)) = oracle(&bytes, address) {
            // A short branch, or one with a prefix that the runtime does not rewrite.
            let is_prefixed = !matches!(bytes[0], 0xe8 | 0xe9 | 0x0f);
            prop_assert!(length == 2 || is_prefixed, "{bytes:02x?}");
        }
    }

    #[test]
    fn jumps_through_memory_agree_with_iced(bytes in bytes(), address in 1u64 << 32..1 << 47) {
        let i = iced(&bytes, address);
        // Far jumps (`ff 2d`) do not count.
        let is_jump = i.is_jmp_near_indirect()
            && i.is_ip_rel_memory_operand() && i.len() == 6 && bytes[0] == 0xff;
        let to = decode_jmp_memory(&bytes).map(|d| (address + 6).wrapping_add_signed(d.into()));
        prop_assert_eq!(to, is_jump.then(|| i.ip_rel_memory_address()));
    }

    #[test]
    fn trampolines_jump(address in 1u64 << 32..1 << 47, displacement in any::<i32>()) {
        let address = address & !7;
        let to = (address + 5).wrapping_add_signed(displacement.into());
        let code = trampoline_jmp(address, to).unwrap();
        prop_assert_eq!(oracle(&code, address), Some((Kind::Jmp, 5, to)));
        prop_assert_eq!(trampoline_jmp(address, address + (1 << 33)), None);
    }

    #[test]
    fn grades_are_as_defined(
        address in 0..1u64 << 47,
        shape in prop::sample::select(vec![(1, 5), (2, 6)]),
    ) {
        let (disp_at, length) = shape;
        prop_assert_eq!(grade(address, disp_at, length), defined(address, disp_at, length));
    }

    #[test]
    fn tables_round_trip(
        words in any::<[u32; 3]>(), quads in any::<[u64; 2]>(), to in any::<[i32; 2]>(),
        kind in 1..8u8, grade in 1..6u8, length in any::<u8>(),
    ) {
        let [version, capacity, count] = words;
        let [identity, checksum] = quads;
        let header = TableHeader { version, capacity, count, identity, checksum };
        prop_assert_eq!(TableHeader::from_bytes(&header.to_bytes()), Some(header));
        let (kind, grade) = (Kind::from_byte(kind).unwrap(), Grade::from_byte(grade).unwrap());
        let [instruction, trampoline] = to;
        let entry = TableEntry { instruction, trampoline, kind, grade, length };
        prop_assert_eq!(TableEntry::from_bytes(&entry.to_bytes()), Some(entry));
    }
}
