//! Compares encodings with an independent decoder, and grades with a computation byte by byte.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use proptest::prelude::*;
use std::vec::Vec;

use super::*;

fn decode(bytes: &[u8], address: u64) -> Instruction {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
}

/// Returns what the other decoder says about a direct branch with a four-byte displacement.
fn direct_branch(bytes: &[u8], address: u64) -> Option<(Kind, u8, u64)> {
    let instruction = decode(bytes, address);
    let kind = match instruction.flow_control() {
        FlowControl::Call => Kind::Call,
        FlowControl::UnconditionalBranch => Kind::Jmp,
        FlowControl::ConditionalBranch => Kind::Jcc,
        _ => return None,
    };
    let is_near = instruction.op0_kind() == OpKind::NearBranch64;
    let length = u8::try_from(instruction.len()).unwrap();
    (is_near && length >= 5).then(|| (kind, length, instruction.near_branch_target()))
}

/// Computes the grade by the table of SAFETY.md, from the addresses of all bytes.
fn grade_by_bytes(address: u64, disp_at: u64, length: u64) -> Grade {
    let in_one = |bytes: std::ops::Range<u64>, size: u64| {
        let blocks: Vec<u64> = bytes.map(|byte| byte - byte % size).collect();
        blocks.iter().all(|block| *block == blocks[0])
    };
    let instruction = address..address + length;
    if in_one(instruction.clone(), 8) {
        Grade::Quad
    } else if in_one(address + disp_at..address + disp_at + 4, 8) {
        Grade::Disp
    } else if in_one(instruction, 64) {
        Grade::Line
    } else {
        Grade::Straddle
    }
}

proptest! {
    /// Whatever the other decoder calls a jump may be one.
    #[test]
    fn no_jump_is_missed(
        prefixes in prop::collection::vec(any::<u8>(), 0..3),
        opcode in prop_oneof![Just(0xe9), Just(0xeb), Just(0xff), any::<u8>()],
        rest: [u8; 8],
    ) {
        let bytes = [&prefixes[..], &[opcode], &rest].concat();
        let flow = decode(&bytes, 0x1000).flow_control();
        let jumps = [FlowControl::UnconditionalBranch, FlowControl::IndirectBranch];
        prop_assert!(may_jump(&bytes) || !jumps.contains(&flow), "{bytes:x?}");
    }
}

/// Functions begin in these ways.
#[test]
fn prologues_are_no_jumps() {
    for bytes in
        [&[0x55, 0x48, 0x89, 0xe5][..], &[0x41, 0x57, 0x41], &[0x48, 0x83, 0xec, 8], &[0xc3]]
    {
        assert!(!may_jump(bytes), "{bytes:x?}");
    }
}

#[test]
fn grades_are_those_of_the_bytes() {
    let mut seen = Vec::new();
    for (disp_at, length) in [(1, 5), (2, 6)] {
        for address in 0x1000..0x1100 {
            let expected = grade_by_bytes(address, disp_at, length);
            let found = grade(address, disp_at as u8, length as u8);
            assert_eq!(found, expected, "{length} bytes at {address:#x}");
            seen.push(found);
        }
    }
    for possible in [Grade::Quad, Grade::Disp, Grade::Line, Grade::Straddle] {
        assert!(seen.contains(&possible));
    }
}

#[test]
fn no_ops_are_single_instructions() {
    for length in 0..=u8::MAX {
        let Some(bytes) = nop(length) else {
            assert!(!matches!(length, 5 | 6), "calls have {length} bytes");
            continue;
        };
        let instruction = decode(&bytes, 0x1000);
        assert_eq!(instruction.mnemonic(), Mnemonic::Nop);
        assert_eq!(instruction.len(), usize::from(length), "no boundary inside");
        assert!(bytes[usize::from(length)..].iter().all(|&b| b == 0));
        // Before a call's opcode this prefix makes its displacement one of 16 bits on some
        // processors.
        assert!(!bytes.contains(&0x66));
    }
}

/// Generates bytes that usually begin like a branch.
fn code() -> impl Strategy<Value = [u8; 8]> {
    let opcode = prop_oneof![
        Just([0xe8, 0]),
        Just([0xe9, 0]),
        Just([0x67, 0xe8]),
        Just([0x67, 0xe9]),
        Just([0xeb, 0]),
        Just([0xff, 0x25]),
        Just([0xff, 0x15]),
        (0x70..=0x8f_u8).prop_map(|second| [0x0f, second]),
        any::<[u8; 2]>(),
    ];
    (opcode, any::<[u8; 8]>(), any::<bool>()).prop_map(|([a, b], mut bytes, both)| {
        bytes[0] = a;
        if both || matches!(a, 0x67 | 0x0f | 0xff) {
            bytes[1] = b;
        }
        bytes
    })
}

proptest! {
    /// The other decoder agrees with every branch that ours finds. If it finds a branch that ours
    /// does not, the branch has a prefix that no compiler emits, or is too short.
    #[test]
    fn branches_decode_as_elsewhere(
        bytes in code(),
        address in 0x1_0000_0000..0x7fff_0000_0000_u64,
    ) {
        let expected = direct_branch(&bytes, address);
        match Branch::decode(&bytes) {
            Some(branch) => {
                let found = (branch.kind, branch.length, branch.destination(address));
                prop_assert_eq!(Some(found), expected);
                prop_assert_eq!(branch.disp_at + 4, branch.length);
            }
            None => {
                let prefixed = !matches!(
                    bytes,
                    [0xe8 | 0xe9, ..] | [0x67, 0xe8 | 0xe9, ..] | [0x0f, ..]
                );
                prop_assert!(expected.is_none() || prefixed, "{:02x?}", bytes);
            }
        }
        for length in 0..8 {
            let whole = Branch::decode(&bytes).is_some_and(|b| usize::from(b.length) <= length);
            prop_assert_eq!(Branch::decode(&bytes[..length]).is_some(), whole);
        }
    }

    #[test]
    fn jumps_decode_as_elsewhere(bytes in code(), address in 0x1_0000_0000..0x7fff_0000_0000_u64) {
        let instruction = decode(&bytes, address);
        if let Some(to) = direct_jump(address, &bytes) {
            prop_assert_eq!(instruction.flow_control(), FlowControl::UnconditionalBranch);
            prop_assert_eq!(instruction.near_branch_target(), to);
        }
        if let Some(displacement) = decode_jmp_memory(&bytes) {
            prop_assert_eq!(instruction.flow_control(), FlowControl::IndirectBranch);
            prop_assert_eq!(instruction.len() as u64, JMP_MEMORY_LENGTH);
            prop_assert!(instruction.is_ip_rel_memory_operand());
            let slot = (address + 6).wrapping_add_signed(displacement.into());
            prop_assert_eq!(instruction.ip_rel_memory_address(), slot);
        }
    }

    /// A displacement leads to the requested destination, and exists exactly if that is within 2
    /// GiB.
    #[test]
    fn displacements_round_trip(
        bytes in code(),
        address in 0x1_0000_0000..0x7fff_0000_0000_u64,
        distance in prop_oneof![
            any::<i32>().prop_map(i64::from),
            i64::from(i32::MAX) - 4..i64::from(i32::MAX) + 4,
            i64::from(i32::MIN) - 4..i64::from(i32::MIN) + 4,
            -0x7000_0000_0000..0x7000_0000_0000_i64,
        ],
    ) {
        let Some(branch) = Branch::decode(&bytes) else { return Ok(()) };
        let length = usize::from(branch.length);
        let to = (address + u64::from(branch.length)).wrapping_add_signed(distance);
        match branch.displacement_to(address, to) {
            Some(displacement) => {
                let new = branch.with_displacement(&bytes, displacement);
                let again = Branch::decode(&new).expect("still a branch");
                prop_assert_eq!((again.kind, again.length), (branch.kind, branch.length));
                prop_assert_eq!(direct_branch(&new, address).map(|(_, _, to)| to), Some(to));
                let opcode = usize::from(branch.disp_at);
                prop_assert_eq!(&new[..opcode], &bytes[..opcode]);
                prop_assert!(new[length..].iter().all(|&b| b == 0));
            }
            None => prop_assert!(i32::try_from(distance).is_err()),
        }
        let in_reach = i32::try_from(distance).is_ok();
        prop_assert_eq!(branch.displacement_to(address, to).is_some(), in_reach);
    }

    /// A trampoline leaves at its first instruction, whatever follows it.
    #[test]
    fn trampolines_leave_at_their_first_instruction(
        quad in 0x2000_0000..0x0fff_0000_0000_u64,
        distance in prop_oneof![
            any::<i32>().prop_map(i64::from),
            -0x1_0000_0000..0x1_0000_0000_i64,
        ],
    ) {
        let address = quad * 8;
        let to = (address + 5).wrapping_add_signed(distance);
        let Some(bytes) = trampoline_jmp(address, to) else {
            prop_assert!(i32::try_from(distance).is_err());
            return Ok(());
        };
        prop_assert!(i32::try_from(distance).is_ok());
        prop_assert_eq!(direct_branch(&bytes, address), Some((Kind::Jmp, 5, to)));
        let mut rest = Decoder::with_ip(64, &bytes[5..], address + 5, DecoderOptions::NONE);
        prop_assert!(rest.iter().all(|i| i.mnemonic() == Mnemonic::Int3), "only padding follows");
    }
}

#[test]
fn jumps_are_followed_to_their_end_or_eight_times() {
    let next = |at: u64| (at < 5).then_some(at + 1);
    assert!(along_jumps(2, next).eq(2..=5));
    assert!(along_jumps(5, next).eq([5]));
    assert!(along_jumps(0, |at| Some(1 - at)).eq([0, 1, 0, 1, 0, 1, 0, 1, 0]));
}
