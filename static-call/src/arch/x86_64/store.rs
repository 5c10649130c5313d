//! Stores into code that other threads execute: locked compare-exchange of four or eight bytes. The
//! way of an update ends here.
//!
//! Instructions: `lock cmpxchg m32` and `lock cmpxchg m64` (Intel SDM vol. 2, "CMPXCHG"). Both
//! write inside one aligned quadword, where AMD (APM vol. 2, 7.6.1) promises that an instruction
//! fetch sees either the old bytes or the new ones.

use core::arch::asm;

use super::QUADWORD;

/// Replaces the four bytes at `address` if they are `old`; returns whether they were.
///
/// # Safety
///
/// 1. The four bytes lie in mapped, writable memory.
/// 2. They lie inside one aligned quadword.
pub(crate) unsafe fn exchange_displacement(address: usize, old: u32, new: u32) -> bool {
    debug_assert!(address as u64 % QUADWORD <= QUADWORD - 4, "{address:#x} crosses a quadword");
    let done: u8;
    // SAFETY: INV-STORE: the bytes are mapped and writable (promise 1) and in one quadword (promise
    // 2); the instruction touches only those four bytes and the flags.
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
    // SAFETY: INV-STORE: the bytes are mapped and writable (promise 1) and aligned (promise 2); the
    // instruction touches only those eight bytes and the flags.
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

/// Overwrites the four bytes at `address`, even across a boundary. This must never be done to the
/// image's code while other threads execute it; the probe does it to its own code.
///
/// # Safety
///
/// 1. The four bytes lie in mapped, writable memory of the probe.
#[cfg(feature = "probe")]
pub(crate) unsafe fn overwrite(address: usize, new: u32) {
    // SAFETY: INV-PROBE: the bytes are mapped, writable and the probe's own (promise 1); the
    // instruction touches only those four bytes.
    unsafe {
        asm!(
            "mov dword ptr [{at}], {new:e}",
            at = in(reg) address,
            new = in(reg) new,
            options(nostack, preserves_flags),
        );
    }
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
    // SAFETY: INV-TEXT: the bytes are mapped and readable (promise 1) and aligned (promise 2). The
    // load is in assembly because debuggers may write there, which Rust's memory model does not
    // cover.
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

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Sixteen aligned bytes with a pattern.
    #[repr(align(8))]
    struct Bytes([u8; 16]);

    fn memory() -> Bytes {
        Bytes(core::array::from_fn(|i| i as u8 + 1))
    }

    #[test]
    fn a_displacement_is_exchanged_only_for_the_expected_one() {
        for at in (0..=4).chain(8..=12) {
            let mut memory = memory();
            let before = memory.0;
            let address = (&raw mut memory.0).addr() + at;
            let old = u32::from_le_bytes(before[at..at + 4].try_into().unwrap());
            for wrong in [old ^ 1, old ^ 0x8000_0000, 0, u32::MAX] {
                // SAFETY: INV-STORE: four bytes of this array, in one quadword.
                assert!(!unsafe { exchange_displacement(address, wrong, 0) });
                assert_eq!(core::hint::black_box(&memory).0, before);
            }
            // SAFETY: INV-STORE: the same four bytes.
            assert!(unsafe { exchange_displacement(address, old, 0xa1b2_c3d4) });
            let mut expected = before;
            expected[at..at + 4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
            assert_eq!(core::hint::black_box(&memory).0, expected);
        }
    }

    #[test]
    fn a_quadword_is_exchanged_only_for_the_expected_one() {
        for at in [0, 8] {
            let mut memory = memory();
            let before = memory.0;
            let address = (&raw mut memory.0).addr() + at;
            let old = u64::from_le_bytes(before[at..at + 8].try_into().unwrap());
            // SAFETY: INV-TEXT: eight bytes of this array, aligned.
            assert_eq!(unsafe { read_quadword(address) }, old);
            for wrong in [old ^ 1, old ^ 1 << 63, 0, u64::MAX] {
                // SAFETY: INV-STORE: the same eight bytes.
                assert!(!unsafe { exchange_quadword(address, wrong, 0) });
                assert_eq!(core::hint::black_box(&memory).0, before);
            }
            // SAFETY: INV-STORE: the same eight bytes.
            assert!(unsafe { exchange_quadword(address, old, 0x0102_0304_a1b2_c3d4) });
            let mut expected = before;
            expected[at..at + 8].copy_from_slice(&0x0102_0304_a1b2_c3d4_u64.to_le_bytes());
            assert_eq!(core::hint::black_box(&memory).0, expected);
        }
    }

    /// One thread adds with exchanges, another with `add` all the while, until exchanges have often
    /// failed: then the two ran at the same time. Returns how often they did add.
    fn contend(add: impl Fn() + Sync, exchange: impl Fn() -> bool) -> u32 {
        const ENOUGH: u32 = 100_000;
        // On one processor few exchanges fail.
        const MOST: u32 = 20_000_000;
        let (start, is_over) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            let adder = scope.spawn(|| {
                let mut count = 0;
                start.wait();
                while !is_over.load(Ordering::Relaxed) {
                    add();
                    count += 1;
                }
                count
            });
            let (mut count, mut failed) = (0, 0);
            start.wait();
            while failed < ENOUGH && count < MOST {
                let is_done = exchange();
                count += u32::from(is_done);
                failed += u32::from(!is_done);
            }
            is_over.store(true, Ordering::Relaxed);
            adder.join().unwrap() + count
        })
    }

    /// While another thread changes the same bytes, no change is lost.
    #[test]
    fn exchanges_are_atomic() {
        let quadword = AtomicU64::new(0);
        let add = || {
            quadword.fetch_add(1, Ordering::Relaxed);
        };
        let count = contend(add, || {
            let old = quadword.load(Ordering::Relaxed);
            // SAFETY: INV-STORE: this quadword.
            unsafe { exchange_quadword(quadword.as_ptr().addr(), old, old + 1) }
        });
        assert_eq!(quadword.into_inner(), u64::from(count));

        let word = AtomicU32::new(0);
        let add = || {
            word.fetch_add(1, Ordering::Relaxed);
        };
        let count = contend(add, || {
            let old = word.load(Ordering::Relaxed);
            // SAFETY: INV-STORE: these four bytes.
            unsafe { exchange_displacement(word.as_ptr().addr(), old, old + 1) }
        });
        assert_eq!(word.into_inner(), count);
    }
}
