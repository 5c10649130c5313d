//! The code that the probe runs: a loop around one instruction with two forms, and a landing pad at
//! every address to which a mixture of the bytes of the two forms leads.
//!
//! Instructions besides those of `x86_64` and `effect`: `jmp rax` (ff e0), `mov rax, imm64` (48
//! b8), `mov eax, imm32` (b8), `xor`, `add`, `cmp`, `sete`, `dec`, `jnz`, `mov m64, r64`, `ret`;
//! the first two of `x86_64` and `mov eax, imm32` also with the prefixes `67` and `40`, which have
//! no effect there. Intel SDM vol. 2.
//!
//! `steps.rs` has the program of a retargeting in steps, with more than two forms.
//!
//! The displacements are chosen so that every mixture of two opcodes is a harmless instruction:
//! `0f 84` is `jz`, taken because the loop sets the zero flag, and `0f 1f 84` is an eight-byte
//! no-op, which swallows the addition after the instruction. The same holds after `67`, one byte
//! later.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::effect::mov_eax;
use super::{Branch, QUADWORD, decode_jmp_memory, nop, trampoline_jmp};
use crate::layout::Kind;

mod steps;
#[cfg(test)]
mod tests;

pub(crate) use steps::BETWEEN;

/// The value of `eax` after the first form of the instruction.
pub(crate) const FIRST: u32 = 0x1001;
/// The value of `eax` after the second form, unless that sets `eax` itself.
pub(crate) const SECOND: u32 = 0x2003;
/// The value of `eax` after a mixture of the two.
pub(crate) const TORN: u32 = 0x3007;
/// The value of `eax` after a form that leads to a veneer.
pub(crate) const VENEER: u32 = 0x5009;
/// The value that the second form of [`Forms::Constant`] sets.
pub(crate) const CONSTANT: u32 = 0x4420;

/// The two forms between which an instruction changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forms {
    /// A call, to another target.
    Call,
    /// A jump, as tail calls are, to another target.
    Jump,
    /// A conditional jump (six bytes), to another target.
    ConditionalJump,
    /// A six-byte call, to another target. It has the prefix `67`, as calls through the GOT have
    /// after they are rewritten to direct ones.
    PaddedCall,
    /// A six-byte jump with the prefix `67`, to another target.
    PaddedJump,
    /// A call and a no-op.
    Nop,
    /// A six-byte call and a six-byte no-op.
    PaddedNop,
    /// A call and a constant in `eax`.
    Constant,
    /// A six-byte call and a constant in `eax`.
    PaddedConstant,
    /// A jump label: a jump and a no-op.
    Label,
    /// A trampoline: a jump through the slot and a direct jump.
    Trampoline,
}

impl Forms {
    /// Returns the offset of the displacement in the instruction. The instruction is four bytes
    /// longer than that, except a trampoline.
    pub(crate) const fn disp_at(self) -> u8 {
        match self {
            Self::Call | Self::Jump | Self::Nop | Self::Constant | Self::Label => 1,
            Self::ConditionalJump | Self::PaddedCall | Self::PaddedJump => 2,
            Self::PaddedNop | Self::PaddedConstant => 2,
            Self::Trampoline => 1,
        }
    }

    /// Returns the length of the instruction in the loop.
    const fn length(self) -> u64 {
        self.disp_at() as u64 + 4
    }

    /// Returns whether only the displacement changes.
    pub(crate) const fn is_retarget(self) -> bool {
        match self {
            Self::Call | Self::Jump | Self::ConditionalJump | Self::PaddedCall => true,
            Self::PaddedJump => true,
            Self::Nop | Self::Constant | Self::Label | Self::Trampoline => false,
            Self::PaddedNop | Self::PaddedConstant => false,
        }
    }
}

/// The two forms as the runtime writes them, with the bytes after them, up to the eighth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    pub(crate) first: [u8; 8],
    pub(crate) second: [u8; 8],
}

/// Where a fetch of some bytes at the site leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Call(u64),
    Jump(u64),
    Through(u64),
    Elsewhere,
}

/// How a store changes the forms into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patch {
    /// The four bytes of a displacement.
    Displacement { address: u64, first: u32, second: u32 },
    /// An aligned quadword.
    Quadword { address: u64, first: u64, second: u64 },
}

/// Code and data of one experiment, with their addresses.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Disjoint pieces by address.
    pub(crate) pieces: BTreeMap<u64, Vec<u8>>,
    /// Address of an `extern "C" fn(calls: u64, counts: *mut [u64; 3])`, which executes the
    /// instruction `calls` times and writes how often the first form ran, how often the second, and
    /// how often one that leads to a veneer.
    pub(crate) entry: u64,
    pub(crate) patch: Patch,
}

/// The bytes after the instruction: `add eax, eax` and a no-op. The eight-byte no-op swallows all
/// three. The first byte is the last of a torn `jz`'s displacement.
const AFTER: [u8; 3] = [0x01, 0xc0, 0x90];
/// Distances from a trampoline back to its loop, and to the pad of `jmp rax`.
const LOOP_BEFORE: u64 = 0x200;
const PAD_BEFORE: u64 = 0x100;

impl Encoded {
    pub(crate) fn new(forms: Forms) -> Self {
        let five = |opcode: u8, displacement: u32| {
            let [a, b, c, d] = displacement.to_le_bytes();
            with_after([opcode, a, b, c, d, 0, 0, 0], 5)
        };
        let six = |[opcode, more]: [u8; 2], displacement: u32| {
            let [a, b, c, d] = displacement.to_le_bytes();
            with_after([opcode, more, a, b, c, d, 0, 0], 6)
        };
        let no_op = with_after(nop(5).unwrap_or_default(), 5);
        let targets = [0x0010_2030, 0x0111_2140];
        let (first, second) = match forms {
            Forms::Call => targets.map(|to| five(0xe8, to)).into(),
            Forms::Jump => targets.map(|to| five(0xe9, to)).into(),
            // `jz`, taken because the loop sets the zero flag.
            Forms::ConditionalJump => targets.map(|to| six([0x0f, 0x84], to)).into(),
            Forms::PaddedCall => targets.map(|to| six([0x67, 0xe8], to)).into(),
            Forms::PaddedJump => targets.map(|to| six([0x67, 0xe9], to)).into(),
            Forms::PaddedConstant => {
                let constant = mov_eax(6, CONSTANT).unwrap_or_default();
                (six([0x67, 0xe8], 0x0101_8484), with_after(constant, 6))
            }
            Forms::Nop => (five(0xe8, 0x0101_8484), no_op),
            Forms::PaddedNop => {
                let no_op = with_after(nop(6).unwrap_or_default(), 6);
                (six([0x67, 0xe8], 0x0101_8484), no_op)
            }
            Forms::Constant => {
                let constant = mov_eax(5, CONSTANT).unwrap_or_default();
                (five(0xe8, 0x0101_8484), with_after(constant, 5))
            }
            Forms::Label => (five(0xe9, 0x0101_8484), no_op),
            Forms::Trampoline => {
                // The lowest byte of the displacement, `e0`, makes `jmp rax` after the other form's
                // `ff`.
                let direct = trampoline_jmp(0, forms.length() + 0x0111_90e0).unwrap_or_default();
                ([0xff, 0x25, 0x40, 0x20, 0x00, 0x00, 0xcc, 0xcc], direct)
            }
        };
        Self { first, second }
    }

    /// Returns every mixture of the bytes of the two forms, the forms themselves first.
    pub(crate) fn mixtures(&self) -> Vec<[u8; 8]> {
        mixtures(&[self.first, self.second])
    }
}

/// Returns every mixture of the bytes of these forms, the forms themselves first.
fn mixtures(forms: &[[u8; 8]]) -> Vec<[u8; 8]> {
    let mut others = Vec::from([[0; 8]]);
    for i in 0..8 {
        let values: BTreeSet<u8> = forms.iter().map(|form| form[i]).collect();
        let with = |mut bytes: [u8; 8], value| {
            bytes[i] = value;
            bytes
        };
        others =
            others.iter().flat_map(|&bytes| values.iter().map(move |&v| with(bytes, v))).collect();
    }
    others.retain(|bytes| !forms.contains(bytes));
    [forms, &others].concat()
}

/// Fills the eight bytes after an instruction of `length` bytes. After six bytes there is no room
/// for the last no-op.
fn with_after(mut bytes: [u8; 8], length: usize) -> [u8; 8] {
    for (place, byte) in bytes.iter_mut().skip(length).zip(AFTER) {
        *place = byte;
    }
    bytes
}

impl Lead {
    fn of(site: u64, bytes: &[u8; 8]) -> Self {
        if let Some(displacement) = decode_jmp_memory(bytes) {
            return Self::Through((site + 6).wrapping_add_signed(displacement.into()));
        }
        // `67 0f 84` is `jz`, like `0f 84` one byte later.
        let prefix = usize::from(bytes.starts_with(&[0x67, 0x0f]));
        let site = site + prefix as u64;
        match Branch::decode(&bytes[prefix..]) {
            Some(call) if call.kind == Kind::Call => Self::Call(call.destination(site)),
            Some(jump) => Self::Jump(jump.destination(site)),
            // A no-op, a constant or `jmp rax`; or `40 e8`, which leads where `67 e8` does.
            None => Self::Elsewhere,
        }
    }
}

impl Program {
    /// Makes the program of an experiment with its instruction, or its trampoline, at `site`.
    ///
    /// `site` must be at least 1 GiB from both ends of the address space. If more than a
    /// displacement changes, the instruction must lie in one aligned quadword.
    pub(crate) fn new(forms: Forms, site: u64) -> Self {
        let encoded = Encoded::new(forms);
        let mut program = Self::empty();
        let is_constant = matches!(forms, Forms::Constant | Forms::PaddedConstant);
        let second = if is_constant { CONSTANT } else { SECOND };
        program.place_loop(forms, site, &encoded, &[FIRST, second]);
        for bytes in encoded.mixtures() {
            let value = match bytes {
                _ if bytes == encoded.first => FIRST,
                _ if bytes == encoded.second => second,
                _ => TORN,
            };
            program.place_pad(forms, Lead::of(site, &bytes), value, site);
        }
        program.patch = program.patch(forms, site, &encoded);
        program
    }

    fn empty() -> Self {
        let patch = Patch::Displacement { address: 0, first: 0, second: 0 };
        Self { pieces: BTreeMap::new(), entry: 0, patch }
    }

    /// Places the loop, which counts up to three values of `eax`.
    fn place_loop(&mut self, forms: Forms, site: u64, encoded: &Encoded, counted: &[u32]) {
        let (preset, instruction, at) = if forms == Forms::Trampoline {
            let [pad, at] = [site - PAD_BEFORE, site - LOOP_BEFORE];
            self.place(site, encoded.first.into());
            self.place(pad, returning(TORN));
            let shape = Branch { kind: Kind::Call, disp_at: 1, length: 5, displacement: 0 };
            let displacement = shape.displacement_to(at, site).unwrap_or_default();
            let call = shape.with_displacement(&[0xe8, 0, 0, 0, 0, 0, 0, 0], displacement);
            (pad, with_after(call, 5), at)
        } else {
            // A no-op does not change it.
            (SECOND.into(), encoded.first, site)
        };
        // xor r9d, r9d; xor r10d, r10d; xor r11d, r11d
        let head = [0x45, 0x31, 0xc9, 0x45, 0x31, 0xd2, 0x45, 0x31, 0xdb];
        let mut body = Vec::from([0x48, 0xb8]); // mov rax, preset
        body.extend(preset.to_le_bytes());
        body.extend([0x31, 0xc9]); // xor ecx, ecx: sets the zero flag
        self.entry = at - (head.len() + body.len()) as u64;
        body.extend(instruction);
        if forms == Forms::PaddedNop {
            body.push(AFTER[2]);
        }
        for (value, register) in counted.iter().zip(0xc9..) {
            body.push(0x3d); // cmp eax, imm32: the code after the instruction doubles `eax`
            body.extend((2 * value).to_le_bytes());
            body.extend([0x0f, 0x94, 0xc1]); // sete cl
            body.extend([0x49, 0x01, register]); // add r9, rcx; add r10, rcx; add r11, rcx
        }
        body.extend([0x48, 0xff, 0xcf]); // dec rdi
        let back = -(body.len() as i32 + 6);
        body.extend([0x0f, 0x85]); // jnz
        body.extend(back.to_le_bytes());
        body.extend([0x4c, 0x89, 0x0e]); // mov [rsi], r9
        body.extend([0x4c, 0x89, 0x56, 0x08]); // mov [rsi + 8], r10
        body.extend([0x4c, 0x89, 0x5e, 0x10]); // mov [rsi + 16], r11
        body.push(RET);
        self.place(self.entry, [head.as_slice(), &body].concat());
    }

    /// Places the pad that a mixture of the bytes at `site` leads to.
    fn place_pad(&mut self, forms: Forms, lead: Lead, value: u32, site: u64) {
        match lead {
            Lead::Call(to) => self.place(to, returning(value)),
            Lead::Jump(to) if forms == Forms::Trampoline => self.place(to, returning(value)),
            Lead::Jump(to) => self.place(to, jumping(to, value, site + forms.length())),
            Lead::Through(slot) => {
                let pad = site - PAD_BEFORE + if value == FIRST { 0x20 } else { 0 };
                self.place(pad, returning(value));
                self.place(slot, pad.to_le_bytes().into());
            }
            Lead::Elsewhere => {}
        }
    }

    /// Places a piece, unless one is there already: a mixture that is the same instruction as a
    /// form leads to the pad of that form.
    fn place(&mut self, address: u64, bytes: Vec<u8>) {
        self.pieces.entry(address).or_insert(bytes);
    }

    fn patch(&self, forms: Forms, site: u64, encoded: &Encoded) -> Patch {
        if forms.is_retarget() {
            let at = usize::from(forms.disp_at());
            let displacement =
                |form: [u8; 8]| u32::from_le_bytes(std::array::from_fn(|i| form[at + i]));
            return Patch::Displacement {
                address: site + at as u64,
                first: displacement(encoded.first),
                second: displacement(encoded.second),
            };
        }
        let address = site / QUADWORD * QUADWORD;
        let quadword = |form: &[u8; 8]| {
            u64::from_le_bytes(std::array::from_fn(|i| {
                let at = address + i as u64;
                let inside = at.checked_sub(site).and_then(|i| form.get(i as usize));
                inside.copied().unwrap_or_else(|| self.byte(at))
            }))
        };
        Patch::Quadword {
            address,
            first: quadword(&encoded.first),
            second: quadword(&encoded.second),
        }
    }

    /// Returns the byte at `address`, or 0 if no piece is there.
    fn byte(&self, address: u64) -> u8 {
        let piece = self.pieces.range(..=address).next_back();
        let byte = piece.and_then(|(at, bytes)| bytes.get((address - at) as usize));
        byte.copied().unwrap_or_default()
    }
}

const RET: u8 = 0xc3;

/// Returns `mov eax, value; ret`.
fn returning(value: u32) -> Vec<u8> {
    let [a, b, c, d] = value.to_le_bytes();
    Vec::from([0xb8, a, b, c, d, RET])
}

/// Returns `mov eax, value; jmp to`, for `address`.
fn jumping(address: u64, value: u32, to: u64) -> Vec<u8> {
    let [a, b, c, d] = value.to_le_bytes();
    let jump = trampoline_jmp(address + 5, to).unwrap_or_default();
    let mut bytes = Vec::from([0xb8, a, b, c, d]);
    bytes.extend(&jump[..5]);
    bytes
}
