//! Recognises functions that only return, or only return a constant, by their code.
//!
//! Instructions used: `ret` (c3), `endbr64` (f3 0f 1e fa), `xor eax, eax` (31 c0, 33 c0), `mov al,
//! imm8` (b0), `mov ax, imm16` (66 b8), `mov eax, imm32` (b8; with a REX prefix that changes
//! nothing, 40 b8), `mov rax, simm32` (48 c7 c0), `push imm8; pop rax` (6a, 58). Intel SDM vol. 2,
//! "RET", "XOR", "MOV", "PUSH", "POP"; for the prefix 2.2.1.
//!
//! A caller cannot distinguish such a function from the single instruction that replaces the call:
//! both leave the same in `eax` and in the registers that the function does not touch, whatever
//! the ABI uses them for.

#[cfg(test)]
mod tests;

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does more than the other variants say.
    Code,
    /// It does nothing.
    Nothing,
    /// It sets `rax`, or the part of `rax` that is the result, to this value.
    Returns(u32),
}

/// Length of the longest function that is not [`Effect::Code`], without its `ret`.
pub const EFFECT_LENGTH: u64 = 11;

const RET: u8 = 0xc3;

impl Effect {
    /// Returns the effect of the function that begins with `code`.
    #[must_use]
    pub fn of(code: &[u8]) -> Self {
        match *code {
            [0xf3, 0x0f, 0x1e, 0xfa, ref code @ ..] => Self::of_body(code),
            _ => Self::of_body(code),
        }
    }

    fn of_body(code: &[u8]) -> Self {
        match *code {
            [RET, ..] => Self::Nothing,
            [0x31 | 0x33, 0xc0, RET, ..] => Self::Returns(0),
            [0xb0, value, RET, ..] => Self::Returns(value.into()),
            [0x66, 0xb8, a, b, RET, ..] => Self::Returns(u16::from_le_bytes([a, b]).into()),
            [0xb8, a, b, c, d, RET, ..] => Self::Returns(u32::from_le_bytes([a, b, c, d])),
            // The value is sign-extended to 64 bits. A negative one is not recognised, since `mov
            // eax` would clear the upper half of `rax`.
            [0x48, 0xc7, 0xc0, a, b, c, d @ 0..0x80, RET, ..] => {
                Self::Returns(u32::from_le_bytes([a, b, c, d]))
            }
            [0x6a, value @ 0..0x80, 0x58, RET, ..] => Self::Returns(value.into()),
            _ => Self::Code,
        }
    }
}

/// Returns `mov eax, value`, as long as a call of `length` bytes. The instruction clears the upper
/// half of `rax`.
#[must_use]
pub fn mov_eax(length: u8, value: u32) -> Option<[u8; 8]> {
    let [a, b, c, d] = value.to_le_bytes();
    match length {
        5 => Some([0xb8, a, b, c, d, 0, 0, 0]),
        6 => Some([0x40, 0xb8, a, b, c, d, 0, 0]),
        _ => None,
    }
}

/// Three no-ops and a function that does nothing.
#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(miri)))]
#[unsafe(naked)]
pub(crate) extern "C" fn does_nothing() {
    core::arch::naked_asm!("nop", "nop", "nop", "ret", ".skip 16")
}

/// A jump to that function.
#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(miri)))]
#[unsafe(naked)]
pub(crate) extern "C" fn jumps_to_nothing() {
    core::arch::naked_asm!(".byte 0xe9", ".long {} - . - 4", sym does_nothing)
}

/// A breakpoint and no-ops.
#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(miri)))]
#[unsafe(naked)]
pub(crate) extern "C" fn has_breakpoint() {
    core::arch::naked_asm!("int3", ".skip 16, 0x90")
}
