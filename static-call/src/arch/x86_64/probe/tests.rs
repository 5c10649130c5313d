//! Executes every mixture of the bytes of two forms by an interpreter on top of an independent
//! decoder. Each must come back with the right count.

use std::collections::BTreeMap;
use std::vec::Vec;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use proptest::prelude::*;

use super::*;
use crate::arch::x86_64::{Parts, Split};
use crate::layout::Grade;

/// All forms, with the number of bytes in which the two differ.
const CHANGES: [(Forms, usize); 11] = [
    (Forms::Call, 4),
    (Forms::Jump, 4),
    (Forms::ConditionalJump, 4),
    (Forms::PaddedCall, 4),
    (Forms::PaddedJump, 4),
    (Forms::Nop, 5),
    (Forms::PaddedNop, 5),
    (Forms::Constant, 5),
    (Forms::PaddedConstant, 6),
    (Forms::Label, 5),
    (Forms::Trampoline, 6),
];

/// A processor that executes what the loop and its pads need, and panics at anything else.
struct Machine {
    memory: BTreeMap<u64, u8>,
    registers: BTreeMap<Register, u64>,
    zero: bool,
    stack: Vec<u64>,
}

impl Machine {
    fn new(program: &Program) -> Self {
        let mut memory = BTreeMap::new();
        for (&at, bytes) in &program.pieces {
            for (at, &byte) in (at..).zip(bytes) {
                assert!(memory.insert(at, byte).is_none(), "two pieces at {at:#x}");
            }
        }
        Self { memory, registers: BTreeMap::new(), zero: false, stack: Vec::new() }
    }

    fn store(&mut self, address: u64, bytes: &[u8]) {
        for (at, &byte) in (address..).zip(bytes) {
            assert!(self.memory.insert(at, byte).is_some(), "a store outside the code at {at:#x}");
        }
    }

    fn bytes(&self, address: u64, length: u64) -> Vec<u8> {
        (address..address + length).map_while(|at| self.memory.get(&at).copied()).collect()
    }

    /// Returns the counts after `calls` executions, from `entry`.
    fn run(&mut self, entry: u64, calls: u64) -> [u64; 3] {
        self.registers.insert(Register::RDI, calls);
        let mut at = entry;
        for _ in 0..64 * calls {
            let bytes = self.bytes(at, 15);
            let mut decoder = Decoder::with_ip(64, &bytes, at, DecoderOptions::NONE);
            let instruction = decoder.decode();
            assert!(!instruction.is_invalid(), "nothing to execute at {at:#x}");
            match self.step(&instruction) {
                Some(next) => at = next,
                None => return [Register::R9, Register::R10, Register::R11].map(|r| self.get(r)),
            }
        }
        panic!("no end, at {at:#x}");
    }

    fn get(&self, register: Register) -> u64 {
        let value = self.registers.get(&register.full_register()).copied().unwrap_or_default();
        if register.size() == 4 { value & 0xffff_ffff } else { value }
    }

    fn set(&mut self, register: Register, value: u64) {
        let full = register.full_register();
        let value = match register.size() {
            8 => value,
            4 => value & 0xffff_ffff,
            1 => self.get(full) & !0xff | value & 0xff,
            size => panic!("a register of {size} bytes"),
        };
        self.registers.insert(full, value);
    }

    fn source(&self, instruction: &Instruction) -> u64 {
        match instruction.op1_kind() {
            OpKind::Register => self.get(instruction.op1_register()),
            _ => instruction.immediate(1),
        }
    }

    /// Returns the next address, or `None` after the function's own `ret`.
    fn step(&mut self, instruction: &Instruction) -> Option<u64> {
        let next = instruction.next_ip();
        let (to, source) = (instruction.op0_register(), || self.source(instruction));
        match instruction.mnemonic() {
            Mnemonic::Nop => {}
            Mnemonic::Mov if instruction.op0_kind() == OpKind::Memory => {
                assert_eq!(instruction.memory_base(), Register::RSI, "a store elsewhere");
            }
            Mnemonic::Mov => self.set(to, source()),
            Mnemonic::Xor => {
                let value = self.get(to) ^ source();
                self.zero = value == 0;
                self.set(to, value);
            }
            Mnemonic::Add => self.set(to, self.get(to).wrapping_add(source())),
            Mnemonic::Cmp => self.zero = self.get(to) == source(),
            Mnemonic::Sete => self.set(to, self.zero.into()),
            Mnemonic::Dec => {
                self.set(to, self.get(to) - 1);
                self.zero = self.get(to) == 0;
            }
            Mnemonic::Je if self.zero => return Some(instruction.near_branch_target()),
            Mnemonic::Jne if !self.zero => return Some(instruction.near_branch_target()),
            Mnemonic::Je | Mnemonic::Jne => {}
            Mnemonic::Call => {
                self.stack.push(next);
                return Some(instruction.near_branch_target());
            }
            Mnemonic::Jmp => return Some(self.jump(instruction)),
            Mnemonic::Ret => return self.stack.pop(),
            other => panic!("{other:?} at {:#x}", instruction.ip()),
        }
        Some(next)
    }

    fn jump(&self, instruction: &Instruction) -> u64 {
        match instruction.code() {
            Code::Jmp_rm64 if instruction.op0_kind() == OpKind::Memory => {
                let slot = self.bytes(instruction.ip_rel_memory_address(), 8);
                u64::from_le_bytes(slot.try_into().expect("no slot"))
            }
            Code::Jmp_rm64 => self.get(instruction.op0_register()),
            _ => instruction.near_branch_target(),
        }
    }
}

/// Returns what a processor sees as the instruction: its length and the bytes that matter.
fn seen(bytes: &[u8; 8]) -> (usize, Vec<u8>) {
    let instruction = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE).decode();
    let length = match instruction.mnemonic() {
        // The operand of a no-op does not matter.
        Mnemonic::Nop => return (instruction.len(), Vec::new()),
        _ => instruction.len(),
    };
    // These prefixes have no effect here.
    let skip = usize::from(matches!(bytes, [0x40 | 0x67, ..]));
    (length, bytes[skip..length].into())
}

/// Fewer cases on an emulated processor, where the tests would take minutes instead of a second.
const CASES: u32 = if cfg!(target_arch = "x86_64") { 32 } else { 1 };

fn every_mixture_comes_back(forms: Forms, site: u64) {
    let program = Program::new(forms, site);
    let encoded = Encoded::new(forms);
    let mixtures = encoded.mixtures();
    assert_eq!(mixtures[..2], [encoded.first, encoded.second]);
    let mut unseen = 0;
    for bytes in &mixtures {
        let mut machine = Machine::new(&program);
        machine.store(site, bytes);
        let expected = match seen(bytes) {
            it if it == seen(&encoded.first) => [3, 0, 0],
            it if it == seen(&encoded.second) => [0, 3, 0],
            _ => [0, 0, 0],
        };
        unseen += usize::from(expected != [0, 0, 0]);
        assert_eq!(machine.run(program.entry, 3), expected, "{forms:?} {site:#x} {bytes:02x?}");
    }
    // Besides the two forms there are mixtures that are the same instructions: five-byte no-ops,
    // and bytes that differ only in a trampoline's padding or in a prefix.
    let same = match forms {
        Forms::Nop | Forms::PaddedNop | Forms::Label => 3,
        Forms::Trampoline => 1,
        Forms::PaddedConstant => 2,
        _ => 0,
    };
    assert_eq!(unseen, 2 + same, "{forms:?}");
}

fn site(forms: Forms, offset: u64) -> u64 {
    let site = 0x7f12_3456_0000 + offset;
    match forms {
        _ if forms.is_retarget() => site,
        Forms::Trampoline => site / QUADWORD * QUADWORD,
        _ => site / QUADWORD * QUADWORD + offset % (5 - u64::from(forms.disp_at())),
    }
}

#[test]
fn mixtures_are_all_there() {
    for (forms, differ) in CHANGES {
        let mixtures = Encoded::new(forms).mixtures();
        let set: std::collections::BTreeSet<_> = mixtures.iter().collect();
        assert_eq!((mixtures.len(), set.len()), (1 << differ, 1 << differ), "{forms:?}");
    }
}

#[test]
fn forms_are_what_the_runtime_writes() {
    let encoded = |forms| {
        let Encoded { first, second } = Encoded::new(forms);
        [first, second]
    };
    for forms in [Forms::Call, Forms::Nop, Forms::Constant, Forms::Label] {
        let kind = if forms == Forms::Label { Kind::Jmp } else { Kind::Call };
        let branch = Branch::decode(&encoded(forms)[0]).unwrap();
        assert_eq!((branch.kind, branch.length), (kind, 5));
    }
    for (forms, kind, bytes) in [
        (Forms::Jump, Kind::Jmp, &[0xe9][..]),
        (Forms::ConditionalJump, Kind::Jcc, &[0x0f, 0x84]),
        (Forms::PaddedCall, Kind::Call, &[0x67, 0xe8]),
        (Forms::PaddedJump, Kind::Jmp, &[0x67, 0xe9]),
        (Forms::PaddedNop, Kind::Call, &[0x67, 0xe8]),
        (Forms::PaddedConstant, Kind::Call, &[0x67, 0xe8]),
    ] {
        let first = encoded(forms)[0];
        let branch = Branch::decode(&first).unwrap();
        assert!(branch.kind == kind && first.starts_with(bytes), "{forms:?}");
        assert_eq!((branch.disp_at, u64::from(branch.length)), (forms.disp_at(), forms.length()));
        assert_eq!(usize::from(branch.disp_at), bytes.len());
    }
    assert_eq!(encoded(Forms::PaddedConstant)[1][..6], mov_eax(6, CONSTANT).unwrap()[..6]);
    assert_eq!(encoded(Forms::PaddedNop)[1][..6], nop(6).unwrap()[..6]);
    assert_eq!(encoded(Forms::Nop)[1][..5], nop(5).unwrap()[..5]);
    assert_eq!(encoded(Forms::Label)[1][..5], nop(5).unwrap()[..5]);
    assert_eq!(encoded(Forms::Constant)[1][..5], mov_eax(5, CONSTANT).unwrap()[..5]);
    let [slot, direct] = encoded(Forms::Trampoline);
    assert!(decode_jmp_memory(&slot).is_some() && slot[6..] == [0xcc, 0xcc]);
    let to = Branch::decode(&direct).unwrap().destination(0);
    assert_eq!(trampoline_jmp(0, to), Some(direct));
}

/// Executes every mixture of the bytes that a call at `site` has while it is retargeted in steps.
fn every_mixture_of_steps_comes_back(site: u64) {
    let Encoded { first, second } = Encoded::new(Forms::Call);
    let call = Branch::decode(&first).unwrap();
    let split = Split::of(&call, site).unwrap();
    let high = split.parts(BETWEEN).high;
    let between = [first, second].map(|form| {
        let low = split.parts(Branch::decode(&form).unwrap().displacement).low;
        call.with_displacement(&form, split.join(Parts { low, high }).unwrap())
    });
    let program = Program::in_steps(site, &between);
    let mixtures = mixtures(
        &[first, second, between[0], between[1]]
            .map(|form| with_after([form[0], form[1], form[2], form[3], form[4], 0, 0, 0], 5)),
    );
    let before = u32::from(split.before());
    assert_eq!(mixtures.len(), 2_usize.pow(before) * 3_usize.pow(4 - before));
    for (i, bytes) in mixtures.iter().enumerate() {
        let mut machine = Machine::new(&program);
        machine.store(site, bytes);
        let expected = match i {
            0 => [3, 0, 0],
            1 => [0, 3, 0],
            2 | 3 => [0, 0, 3],
            _ => [0, 0, 0],
        };
        assert_eq!(machine.run(program.entry, 3), expected, "{site:#x} {bytes:02x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_mixture_comes_back_wherever_the_instruction_lies(offset in 0..4096_u64) {
        for (forms, _) in CHANGES {
            every_mixture_comes_back(forms, site(forms, offset));
        }
    }

    #[test]
    fn every_mixture_of_steps_comes_back_wherever_the_boundary_lies(quadword in 0..512_u64) {
        for at in [4, 5, 6] {
            every_mixture_of_steps_comes_back(site(Forms::Call, QUADWORD * quadword + at));
        }
    }

    #[test]
    fn a_store_changes_one_form_into_the_other(offset in 0..4096_u64) {
        for (forms, _) in CHANGES {
            let site = site(forms, offset);
            let program = Program::new(forms, site);
            let encoded = Encoded::new(forms);
            let (address, values) = match program.patch {
                Patch::Displacement { address, first, second } => {
                    (address, [first, second].map(|value| value.to_le_bytes().to_vec()))
                }
                Patch::Quadword { address, first, second } => {
                    prop_assert!(address.is_multiple_of(QUADWORD));
                    (address, [first, second].map(|value| value.to_le_bytes().to_vec()))
                }
            };
            let mut machine = Machine::new(&program);
            let is_first = |machine: &Machine| machine.bytes(site, 8) == encoded.first;
            prop_assert!(is_first(&machine));
            let before = machine.memory.clone();
            machine.store(address, &values[1]);
            prop_assert_eq!(machine.bytes(site, 8), encoded.second);
            machine.store(address, &values[0]);
            prop_assert_eq!(&machine.memory, &before);
        }
    }
}

#[test]
fn whole_instructions_are_exchanged_where_their_grade_is_quad() {
    for offset in 0..64 {
        let padded = [Forms::PaddedNop, Forms::PaddedConstant];
        for forms in [Forms::Nop, Forms::Constant, Forms::Label].into_iter().chain(padded) {
            let (disp_at, length) = (forms.disp_at(), forms.length() as u8);
            let grade = crate::arch::x86_64::grade(site(forms, offset), disp_at, length);
            assert_eq!(grade, Grade::Quad);
        }
    }
}
