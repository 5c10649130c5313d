//! Encodings of x86-64: the instructions that the verifier finds and the runtime rewrites.
//!
//! Instructions: `call rel32` (e8), `jmp rel32` (e9), `jcc rel32` (0f 80..8f), `jmp *m(%rip)` (ff
//! 25), `ud2` (0f 0b), five-byte `nop` (0f 1f 44 00 00); the direct `call` and `jmp` and the `nop`
//! also with the prefix `67`. Intel SDM vol. 2, "CALL", "JMP", "Jcc", "NOP"; `67` before a near
//! branch is ignored (SDM vol. 2, 2.1.1, "address-size override").

use crate::layout::{Grade, Kind, Polarity};

pub mod effect;
#[cfg(feature = "probe")]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri))),
    allow(dead_code, unused_imports, reason = "only x86-64 runs it, in memory that Linux gives")
)]
pub(crate) mod probe;
mod split;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod store;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod symbols;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod translations;

#[cfg(test)]
mod tests;

pub use split::{Parts, Split};

/// Bytes of an aligned quadword. AMD's manual (APM vol. 2, 7.6.1) allows no wider store without
/// synchronisation.
pub const QUADWORD: u64 = 8;
/// Bytes of a cache line.
pub const CACHE_LINE: u64 = 64;

/// A direct branch: its kind, length and displacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// [`Kind::Call`], [`Kind::Jmp`] or [`Kind::Jcc`].
    pub kind: Kind,
    /// Offset of the 4-byte displacement from the first byte.
    pub disp_at: u8,
    /// Bytes of the whole instruction.
    pub length: u8,
    /// The displacement, from the end of the instruction.
    pub displacement: i32,
}

impl Branch {
    /// Decodes the direct branch at the start of `bytes`, if there is one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, disp_at) = match bytes {
            [0xe8, ..] => (Kind::Call, 1),
            [0xe9, ..] => (Kind::Jmp, 1),
            [0x67, 0xe8, ..] => (Kind::Call, 2),
            [0x67, 0xe9, ..] => (Kind::Jmp, 2),
            [0x0f, 0x80..=0x8f, ..] => (Kind::Jcc, 2),
            _ => return None,
        };
        let at = usize::from(disp_at);
        let d: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Self { kind, disp_at, length: disp_at + 4, displacement: i32::from_le_bytes(d) })
    }

    /// Returns the destination of the branch at `address`.
    #[must_use]
    pub fn destination(&self, address: u64) -> u64 {
        address
            .wrapping_add(u64::from(self.length))
            .wrapping_add_signed(i64::from(self.displacement))
    }

    /// Returns the displacement that leads from a branch of this shape at `address` to
    /// `destination`, or `None` if that is more than 2 GiB away.
    #[must_use]
    pub fn displacement_to(&self, address: u64, destination: u64) -> Option<i32> {
        let end = address.wrapping_add(u64::from(self.length));
        i32::try_from(destination.wrapping_sub(end).cast_signed()).ok()
    }

    /// Returns the bytes of this branch with another displacement, padded with 0. The opcode is
    /// taken from `bytes`, the bytes of this branch.
    #[must_use]
    pub fn with_displacement(&self, bytes: &[u8; 8], displacement: i32) -> [u8; 8] {
        let at = 8 * u32::from(self.disp_at);
        let opcode = u64::from_le_bytes(*bytes) & !(u64::MAX << at);
        (opcode | u64::from(displacement.cast_unsigned()) << at).to_le_bytes()
    }

    /// Returns the grade of a branch of this shape at `address`.
    #[must_use]
    pub fn grade(&self, address: u64) -> Grade {
        grade(address, self.disp_at, self.length)
    }
}

/// Bytes of a jump label: a jump or a no-op.
pub const LABEL_LENGTH: u8 = 5;

/// Bytes of a jump label's test: a call, a conditional jump and a jump.
pub const LABEL_TEST_LENGTH: u64 = 17;

/// Returns where the test of the jump label at `label` leads by the unexpected answer, if `bytes`,
/// which lie at `address`, are that test. By the other answer it leads behind the label.
#[must_use]
pub fn label_block(bytes: &[u8], address: u64, label: u64, polarity: Polarity) -> Option<u64> {
    let (call, jumps) = bytes.split_first_chunk::<6>()?;
    // `call *GOT(%rip)`, or the direct call that a linker makes of it.
    if !matches!(call, [0xff, 0x15, ..] | [0x67 | 0x90, 0xe8, ..] | [0xe8, .., 0x90]) {
        return None;
    }
    let (conditional, jump) = jumps.split_first_chunk::<6>()?;
    // The test leaves the key's state in the zero flag: set if the key is off.
    let condition = match polarity {
        Polarity::Unlikely => 0x85,
        Polarity::Likely => 0x84,
    };
    let other = Branch::decode(conditional).filter(|_| conditional[..2] == [0x0f, condition])?;
    let jump = Branch::decode(jump).filter(|b| b.kind == Kind::Jmp && b.length == 5)?;
    let end = label.wrapping_add(LABEL_LENGTH.into());
    let leads_back = jump.destination(address.wrapping_add(12)) == end;
    leads_back.then(|| other.destination(address.wrapping_add(6)))
}

/// Returns the grade of an instruction of `length` bytes at `address`, whose 4-byte displacement
/// starts at offset `disp_at`.
#[must_use]
pub fn grade(address: u64, disp_at: u8, length: u8) -> Grade {
    let last = address + u64::from(length) - 1;
    let disp = address + u64::from(disp_at);
    if address / QUADWORD == last / QUADWORD {
        Grade::Quad
    } else if disp / QUADWORD == (disp + 3) / QUADWORD {
        Grade::Disp
    } else if address / CACHE_LINE == last / CACHE_LINE {
        Grade::Line
    } else {
        Grade::Straddle
    }
}

/// Decodes `jmp *m(%rip)` at the start of `bytes`. Returns the displacement, which is relative to
/// the end of the six bytes.
#[must_use]
pub fn decode_jmp_memory(bytes: &[u8]) -> Option<i32> {
    match *bytes {
        [0xff, 0x25, a, b, c, d, ..] => Some(i32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

/// Returns the slot that the procedure linkage table entry at `address` jumps through:
/// `jmp *m(%rip)`, perhaps after `endbr64` (f3 0f 1e fa) or with a `bnd` prefix (f2) (psABI,
/// "Procedure Linkage Table"; Intel SDM vol. 1, 17.3.3).
#[must_use]
pub fn decode_plt_entry(address: u64, bytes: &[u8]) -> Option<u64> {
    let (start, rest) = match bytes {
        [0xf3, 0x0f, 0x1e, 0xfa, 0xf2, rest @ ..] => (5, rest),
        [0xf3, 0x0f, 0x1e, 0xfa, rest @ ..] => (4, rest),
        [0xf2, rest @ ..] => (1, rest),
        rest => (0, rest),
    };
    let end = address.wrapping_add(start + JMP_MEMORY_LENGTH);
    decode_jmp_memory(rest).map(|displacement| end.wrapping_add_signed(displacement.into()))
}

/// Bytes of `jmp *m(%rip)`.
pub const JMP_MEMORY_LENGTH: u64 = 6;

/// How a stub finds its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StubSlot {
    /// By the slot's address.
    At(u64),
    /// By the address of a pointer to the slot, in the global offset table.
    Through(u64),
}

/// Bytes of a stub.
pub const STUB_LENGTH: u64 = 10;

/// Decodes the stub at the start of `bytes`, which lie at `address`: `mov pointer(%rip), %r11`, or
/// the `lea slot(%rip), %r11` or `mov $slot, %r11` that a linker relaxes it to; then `jmp *(%r11)`
/// (psABI, "Optimize GOTPCRELX Relocations").
#[must_use]
pub fn decode_stub(address: u64, bytes: &[u8]) -> Option<StubSlot> {
    let [a, b, c, d0, d1, d2, d3, 0x41, 0xff, 0x23, ..] = *bytes else { return None };
    let field = i32::from_le_bytes([d0, d1, d2, d3]);
    let relative = address.wrapping_add(7).wrapping_add_signed(field.into());
    match [a, b, c] {
        [0x4c, 0x8b, 0x1d] => Some(StubSlot::Through(relative)),
        [0x4c, 0x8d, 0x1d] => Some(StubSlot::At(relative)),
        [0x49, 0xc7, 0xc3] => Some(StubSlot::At(i64::from(field).cast_unsigned())),
        _ => None,
    }
}

/// The byte that pads a trampoline after its jump: `int3`, which is never reached.
pub const PADDING: u8 = 0xcc;

/// Returns a trampoline that jumps to `destination`, `e9 rel32` and padding, or `None` if that is
/// out of reach.
#[must_use]
pub fn trampoline_jmp(address: u64, destination: u64) -> Option<[u8; 8]> {
    let [jmp, a, b, c, d] = jmp(address, destination)?;
    Some([jmp, a, b, c, d, PADDING, PADDING, PADDING])
}

/// Returns `jmp rel32` at `address` to `destination`, or `None` if that is out of reach.
#[must_use]
pub fn jmp(address: u64, destination: u64) -> Option<[u8; 5]> {
    let shape = Branch { kind: Kind::Jmp, disp_at: 1, length: 5, displacement: 0 };
    let [a, b, c, d] = shape.displacement_to(address, destination)?.to_le_bytes();
    Some([0xe9, a, b, c, d])
}

/// Bytes of a veneer.
pub const VENEER_SIZE: u64 = 8;

/// The byte around veneers: `int3`. No veneer consists of it.
pub const TRAP: u8 = 0xcc;

/// Returns the veneer at `address` that jumps through `slot`, or `None` if the slot is out of
/// reach: `jmp *slot(%rip)` (ff 25) and `ud2` (0f 0b), which is never reached (Intel SDM vol. 2,
/// "JMP", "UD").
///
/// The last byte is not [`TRAP`], nor is the first. So a range of that byte overlaps no veneer.
#[must_use]
pub fn veneer(address: u64, slot: u64) -> Option<[u8; VENEER_SIZE as usize]> {
    let end = address.wrapping_add(JMP_MEMORY_LENGTH);
    let displacement = i32::try_from(slot.wrapping_sub(end).cast_signed()).ok()?;
    let [a, b, c, d] = displacement.to_le_bytes();
    Some([0xff, 0x25, a, b, c, d, 0x0f, 0x0b])
}

/// Returns whether these bytes are a veneer.
#[must_use]
pub fn is_veneer(bytes: &[u8; VENEER_SIZE as usize]) -> bool {
    matches!(bytes, [0xff, 0x25, _, _, _, _, 0x0f, 0x0b])
}

/// The no-ops that stand before a veneer, by length: each is one instruction and holds no [`TRAP`]
/// (Intel SDM vol. 2, "NOP", recommended multi-byte sequences).
pub const NOPS: [&[u8]; VENEER_SIZE as usize] = [
    &[],
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x40, 0x00],
    &[0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
    &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
];

/// Returns the length of the no-op of [`NOPS`] at the start of `bytes`.
#[must_use]
pub fn nop_length(bytes: &[u8]) -> Option<usize> {
    (1..NOPS.len()).find(|&length| bytes.starts_with(NOPS[length]))
}

/// Returns the no-op as long as a call of `length` bytes (Intel SDM vol. 2, "NOP").
///
/// The six-byte no-op is the recommended five-byte one with the prefix `67`, like the call, and not
/// the recommended six-byte one with `66`. So the first byte stays the same, and no mixture of the
/// two is `66 e8`, which clears the upper bits of the instruction pointer on some processors (AMD
/// APM vol. 3, "CALL (Near)").
#[must_use]
pub fn nop(length: u8) -> Option<[u8; 8]> {
    match length {
        5 => Some([0x0f, 0x1f, 0x44, 0x00, 0x00, 0, 0, 0]),
        6 => Some([0x67, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0, 0]),
        _ => None,
    }
}

/// Returns whether `bytes` may begin with a jump (Intel SDM vol. 2, 2.1.1, 2.2.1 and "JMP"): with
/// any prefixes, or under a breakpoint. If not, they do not.
#[must_use]
pub fn may_jump(bytes: &[u8]) -> bool {
    let is_prefix = |byte: &&u8| {
        matches!(
            byte,
            0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3
        )
    };
    let prefixes = bytes.iter().take_while(is_prefix).count();
    match bytes[prefixes..] {
        [] | [0xff] => true,
        [0xff, operand, ..] => matches!(operand >> 3 & 7, 4 | 5),
        // `d5`: a prefix of APX.
        [opcode, ..] => matches!(opcode, 0xe9 | 0xeb | 0xd5 | TRAP),
    }
}

/// Returns the destination of the jump at `address`, if the code there is a direct jump: `jmp
/// rel32` or `jmp rel8`.
#[must_use]
pub fn direct_jump(address: u64, bytes: &[u8]) -> Option<u64> {
    match *bytes {
        [0xe9, ..] => Some(Branch::decode(bytes)?.destination(address)),
        [0xeb, d, ..] => Some(address.wrapping_add(2).wrapping_add_signed(d.cast_signed().into())),
        _ => None,
    }
}

/// The maximum number of jumps to follow. Compilers emit one, linkers' veneers add a second.
const MOST_JUMPS: usize = 8;

/// Returns `address`, and where the code there leads by jumps only. `next` returns where the jump
/// at an address always leads, if there is one.
pub fn along_jumps(address: u64, next: impl Fn(u64) -> Option<u64>) -> impl Iterator<Item = u64> {
    core::iter::successors(Some(address), move |&at| next(at)).take(MOST_JUMPS + 1)
}
