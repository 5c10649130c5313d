//! Checks every change with a model of memory and an independent decoder.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};
use proptest::prelude::*;
use std::vec::Vec;

use super::*;

mod label;
mod steps;

fn decode(bytes: &[u8], address: u64) -> Instruction {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
}

/// Memory around a call instruction: 32 bytes with the instruction in the middle.
struct Memory {
    start: u64,
    bytes: Vec<u8>,
}

impl Memory {
    fn around(shape: &CallShape, filler: u8) -> Self {
        let start = (shape.address & !7) - 8;
        let mut this = Self { start, bytes: std::vec![filler; 32] };
        let length = usize::from(shape.branch.length);
        this.write(shape.address, &shape.linked.to_le_bytes()[..length]);
        this
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        let at = (address - self.start) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn instruction(&self, address: u64) -> Instruction {
        decode(&self.bytes[(address - self.start) as usize..], address)
    }

    /// Makes a store as the hardware would. The bytes that it writes must lie in one aligned
    /// quadword and have their old values.
    fn apply(&mut self, change: &Store) {
        let (from, to) = match change.width {
            Width::Displacement(at) => (usize::from(at), usize::from(at) + 4),
            Width::Quadword => (0, usize::from(change.length)),
            Width::Part { at, length } => (usize::from(at), usize::from(at + length)),
        };
        let mut quadwords: Vec<u64> = (from..to).map(|i| (change.address + i as u64) / 8).collect();
        quadwords.dedup();
        assert_eq!(quadwords.len(), 1, "a store crosses a quadword boundary: {change:x?}");
        let [old, new] = [change.old, change.new].map(u64::to_le_bytes);
        for i in 0..usize::from(change.length) {
            let at = (change.address - self.start) as usize + i;
            assert_eq!(self.bytes[at], old[i], "byte {i} differs from `old`");
            if (from..to).contains(&i) {
                self.bytes[at] = new[i];
            }
            assert_eq!(self.bytes[at], new[i], "the store does not write byte {i}");
        }
    }
}

/// Generates shapes with the opcodes of all kinds.
fn shapes() -> impl Strategy<Value = CallShape> {
    let opcode = prop_oneof![
        Just(std::vec![232_u8]),
        Just(std::vec![233]),
        Just(std::vec![103, 232]),
        Just(std::vec![103, 233]),
        (128..144_u8).prop_map(|condition| std::vec![15, condition]),
    ];
    let address = 0x5555_0000_0000..0x5555_0000_0080_u64;
    (opcode, any::<i32>(), address).prop_map(|(mut bytes, displacement, address)| {
        bytes.extend(displacement.to_le_bytes());
        bytes.extend([0; 8]);
        CallShape::new(address, &bytes).expect("a branch")
    })
}

fn leads() -> impl Strategy<Value = Lead> {
    let near = 0x5554_f000_0000..0x5555_1000_0000_u64;
    prop_oneof![
        Just(Lead::Linked),
        Just(Lead::Nop),
        any::<u32>().prop_map(|value| Lead::Constant(value.into())),
        near.clone().prop_map(Lead::Address),
        near.prop_map(Lead::Address),
        any::<u64>().prop_map(Lead::Address),
    ]
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![Just(Effect::Code), Just(Effect::Nothing), any::<u32>().prop_map(Effect::Returns),]
}

fn in_reach(shape: &CallShape, to: u64) -> bool {
    let end = i128::from(shape.address) + i128::from(shape.branch.length);
    i32::try_from(i128::from(to) - end).is_ok()
}

/// Computes whether one store can retarget the instruction, from the addresses of the bytes.
fn takes_one_store(shape: &CallShape) -> bool {
    let disp = shape.address + u64::from(shape.branch.disp_at);
    (0..4).all(|i| (disp + i) / 8 == disp / 8)
}

fn is_whole(shape: &CallShape) -> bool {
    (0..u64::from(shape.branch.length)).all(|i| (shape.address + i) / 8 == shape.address / 8)
}

/// Returns whether SAFETY.md allows the instruction to have this lead.
fn allowed(shape: &CallShape, lead: Lead) -> bool {
    match lead {
        Lead::Linked => true,
        Lead::Address(to) | Lead::Veneer(to) => in_reach(shape, to),
        Lead::Nop | Lead::Constant(_) => is_whole(shape) && shape.branch.kind == Kind::Call,
    }
}

/// Returns whether the bytes of both leads differ on one side of a quadword boundary only.
fn differs_on_one_side(shape: &CallShape, from: Lead, to: Lead) -> bool {
    let (Some(old), Some(new)) = (shape.bytes(from), shape.bytes(to)) else { return false };
    let differing = (0..8_usize).filter(|&i| (old ^ new) >> (8 * i) & 0xff != 0);
    let mut quadwords: Vec<u64> = differing.map(|i| (shape.address + i as u64) / 8).collect();
    quadwords.dedup();
    quadwords.len() <= 1
}

/// Checks that the instruction in memory has this lead.
fn check(memory: &Memory, shape: &CallShape, lead: Lead) {
    let linked = decode(&shape.linked.to_le_bytes(), shape.address);
    let now = memory.instruction(shape.address);
    assert_eq!(now.len(), linked.len(), "the length does not change");
    match lead {
        Lead::Linked => assert_eq!(now, linked),
        Lead::Address(to) | Lead::Veneer(to) => {
            assert_eq!(now.code(), linked.code(), "jumps and conditions keep their opcode");
            assert_eq!(now.near_branch_target(), to);
        }
        Lead::Nop => {
            assert_eq!(linked.flow_control(), FlowControl::Call, "only a call becomes a no-op");
            assert_eq!(now.mnemonic(), Mnemonic::Nop);
        }
        Lead::Constant(value) => {
            assert_eq!(linked.flow_control(), FlowControl::Call, "only a call becomes a constant");
            assert_eq!((now.mnemonic(), now.op0_register()), (Mnemonic::Mov, Register::EAX));
            assert_eq!(u64::from(now.immediate32()), value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// In any walk through leads, an allowed change is one store inside one quadword that changes
    /// nothing beside the instruction, and any other change is refused.
    #[test]
    fn changes_keep_the_rules(
        shape in shapes(),
        walk in prop::collection::vec(leads(), 1..5),
        filler: u8,
    ) {
        let mut memory = Memory::around(&shape, filler);
        let mut from = Lead::Linked;
        for to in walk {
            prop_assert_eq!(shape.bytes(to).is_some(), allowed(&shape, to));
            match shape.store(from, to) {
                Ok(change) => {
                    prop_assert!(allowed(&shape, to));
                    prop_assert_eq!(change.is_none(), shape.bytes(from) == shape.bytes(to));
                    prop_assert!(takes_one_store(&shape) || differs_on_one_side(&shape, from, to));
                    if let Some(change) = change {
                        prop_assert_eq!(change.address, shape.address);
                        memory.apply(&change);
                    }
                    from = to;
                }
                Err(Impossible) => prop_assert!(
                    !allowed(&shape, to)
                        || !takes_one_store(&shape) && !differs_on_one_side(&shape, from, to)
                ),
            }
            check(&memory, &shape, from);
        }
        let own = shape.address..shape.address + u64::from(shape.branch.length);
        let outside = (memory.start..memory.start + 32).filter(|a| !own.contains(a));
        for address in outside {
            prop_assert_eq!(memory.bytes[(address - memory.start) as usize], filler);
        }
    }

    /// The chosen lead is the best allowed one.
    #[test]
    fn the_best_lead_is_chosen(shape in shapes(), lead in leads(), effect in effects()) {
        let Lead::Address(target) = lead else { return Ok(()) };
        let whole = allowed(&shape, Lead::Nop);
        let expected = if effect == Effect::Nothing && whole {
            Lead::Nop
        } else if let Effect::Returns(value) = effect && whole {
            Lead::Constant(value.into())
        } else if allowed(&shape, lead) {
            lead
        } else {
            Lead::Linked
        };
        prop_assert_eq!(shape.lead(Goal { target, effect, is_on: false }), expected);
        prop_assert!(shape.store(Lead::Linked, expected).is_ok() || shape.split.is_some());
    }

    #[test]
    fn the_grade_is_that_of_the_address(shape in shapes()) {
        prop_assert_eq!(shape.grade == Grade::Quad, is_whole(&shape));
        prop_assert!(shape.grade.is_patchable());
        prop_assert_eq!(shape.grade.takes_steps(), !takes_one_store(&shape));
        prop_assert_eq!(shape.split.is_some(), !takes_one_store(&shape));
    }

    /// A trampoline changes as a whole, leaves at its first instruction in every form, and keeps
    /// its linked form if the target is out of reach.
    #[test]
    fn trampolines_change_as_a_whole(
        quad in 0x0aaa_a000_0000..0x0aaa_a000_1000_u64,
        linked: [u8; 4],
        target in prop_oneof![0x5554_f000_0000..0x5555_1000_0000_u64, any::<u64>()],
    ) {
        let address = quad * 8;
        let [a, b, c, d] = linked;
        let linked = u64::from_le_bytes([255, 37, a, b, c, d, 204, 204]);
        let new = trampoline_bytes(address, linked, Some(target));
        let end = i128::from(address) + 5;
        let in_reach = i32::try_from(i128::from(target) - end).is_ok();
        prop_assert_eq!(new != linked, in_reach);
        let first = decode(&new.to_le_bytes(), address);
        let leaves = [FlowControl::UnconditionalBranch, FlowControl::IndirectBranch];
        prop_assert!(leaves.contains(&first.flow_control()));
        if in_reach {
            prop_assert_eq!(first.near_branch_target(), target);
        }
        prop_assert_eq!(trampoline_bytes(address, linked, None), linked);
        prop_assert_eq!(trampoline_store(address, new, new), None);
        match trampoline_store(address, linked, new) {
            None => prop_assert!(!in_reach),
            Some(change) => {
                prop_assert_eq!(change.width, Width::Quadword);
                prop_assert_eq!((change.length, change.address % 8), (8, 0));
                let mut memory = Memory { start: address, bytes: linked.to_le_bytes().to_vec() };
                memory.apply(&change);
                prop_assert_eq!(memory.bytes, new.to_le_bytes());
            }
        }
    }
}
