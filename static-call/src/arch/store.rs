//! Stores into code that other threads execute: locked compare-exchange, four or eight bytes.
//!
//! Instructions: `lock cmpxchg m32` and `lock cmpxchg m64` (Intel SDM vol. 2, "CMPXCHG"). Both
//! lie inside one aligned quadword, where AMD (APM vol. 2, 7.6.1) promises that an instruction
//! fetch sees the old bytes or the new.

use core::arch::asm;

use super::x86_64::QUADWORD;

/// Replaces the four bytes at `address` if they are `old`; returns whether they were.
///
/// # Safety
///
/// 1. The four bytes lie in mapped, writable memory.
/// 2. They lie inside one aligned quadword.
pub(crate) unsafe fn exchange_displacement(address: usize, old: u32, new: u32) -> bool {
    debug_assert!(address as u64 % QUADWORD <= QUADWORD - 4, "{address:#x} crosses a quadword");
    let done: u8;
    // SAFETY: INV-STORE: mapped and writable (promise 1), one quadword (promise 2); the
    // instruction touches those four bytes and the flags alone.
    unsafe {
        asm!(
            "lock cmpxchg dword ptr [{at}], {new:e}",
            "sete {done}",
            at = in(reg) address,
            new = in(reg) new,
            done = lateout(reg_byte) done,
            inout("eax") old => _,
            options(nostack),
        );
    }
    done != 0
}

/// Replaces the quadword at `address` if it is `old`; returns whether it was.
///
/// # Safety
///
/// 1. The eight bytes lie in mapped, writable memory.
/// 2. `address` is a multiple of 8.
pub(crate) unsafe fn exchange_quadword(address: usize, old: u64, new: u64) -> bool {
    debug_assert!((address as u64).is_multiple_of(QUADWORD), "{address:#x} is not aligned");
    let done: u8;
    // SAFETY: INV-STORE: mapped and writable (promise 1), aligned (promise 2); the instruction
    // touches those eight bytes and the flags alone.
    unsafe {
        asm!(
            "lock cmpxchg qword ptr [{at}], {new}",
            "sete {done}",
            at = in(reg) address,
            new = in(reg) new,
            done = lateout(reg_byte) done,
            inout("rax") old => _,
            options(nostack),
        );
    }
    done != 0
}

/// Reads the quadword at `address` in one load.
///
/// # Safety
///
/// 1. The eight bytes lie in mapped, readable memory.
/// 2. `address` is a multiple of 8.
pub(crate) unsafe fn read_quadword(address: usize) -> u64 {
    debug_assert!((address as u64).is_multiple_of(QUADWORD), "{address:#x} is not aligned");
    let value: u64;
    // SAFETY: INV-TEXT: mapped and readable (promise 1), aligned (promise 2); in assembly, because
    // debuggers may write there, which Rust's memory model has no word for.
    unsafe {
        asm!(
            "mov {value}, qword ptr [{at}]",
            at = in(reg) address,
            value = lateout(reg) value,
            options(nostack, readonly, preserves_flags),
        );
    }
    value
}
