//! The calls: of every kind, and at every alignment.

use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use static_call::call;

use super::keys::{self, scalar};

/// Defines functions with a call that starts, or nearly so, `$skip` bytes after a cache line, and
/// with a tail call and a conditional one.
macro_rules! scalars {
    ($($name:ident $tail:ident $conditional:ident: $skip:literal;)*) => {
        $(
            #[inline(never)]
            pub(super) fn $name(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                call!(scalar(x)).rotate_left(7)
            }

            #[inline(never)]
            pub(super) fn $tail(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                scalar(x)
            }

            #[inline(never)]
            pub(super) fn $conditional(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                if x != 0 {
                    return scalar(x);
                }
                0
            }
        )*

        /// Calls all of them once; returns how many results no target gives. `x` is not 0.
        #[inline(never)]
        pub(super) fn call_scalars(x: u64) -> u64 {
            let mut wrong = 0;
            $(
                wrong += u64::from(!keys::is_scaled(x, $name(x).rotate_right(7)));
                wrong += u64::from(!keys::is_scaled(x, $tail(x)));
                wrong += u64::from(!keys::is_scaled(x, $conditional(x)));
            )*
            wrong
        }

        /// How many calls that makes.
        pub(super) const SCALARS: u64 = 3 * [$($skip),*].len() as u64;

        /// Some of them, for callers that take the address of a function.
        pub(super) const WAYS: &[fn(u64) -> u64] = &[$($tail),*];
    };
}

scalars! {
    call_0 tail_0 conditional_0: 0;
    call_1 tail_1 conditional_1: 1;
    call_2 tail_2 conditional_2: 2;
    call_3 tail_3 conditional_3: 3;
    call_4 tail_4 conditional_4: 4;
    call_5 tail_5 conditional_5: 5;
    call_6 tail_6 conditional_6: 6;
    call_7 tail_7 conditional_7: 7;
    call_28 tail_28 conditional_28: 28;
    call_29 tail_29 conditional_29: 29;
    call_30 tail_30 conditional_30: 30;
    call_31 tail_31 conditional_31: 31;
    call_56 tail_56 conditional_56: 56;
    call_57 tail_57 conditional_57: 57;
    call_58 tail_58 conditional_58: 58;
    call_59 tail_59 conditional_59: 59;
    call_60 tail_60 conditional_60: 60;
    call_61 tail_61 conditional_61: 61;
    call_62 tail_62 conditional_62: 62;
    call_63 tail_63 conditional_63: 63;
}

/// A family of calls: makes [`Group::calls`] calls with an argument, and returns how many results
/// no target gives.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) run: fn(u64) -> u64,
    pub(super) calls: u64,
}

const fn group(name: &'static str, run: fn(u64) -> u64, calls: u64) -> Group {
    Group { name, run, calls }
}

/// The families that a signal handler may call, too: their targets neither allocate nor update.
pub(super) const SIMPLE: [Group; 6] = [
    group("scalar", call_scalars, SCALARS),
    group("many", many, 8),
    group("wide", wide, 4),
    group("mixed", mixed, 4),
    group("hook", hook, 8),
    group("constants", constants, 24),
];

/// The others.
pub(super) const OTHERS: [Group; 4] = [
    group("text", text, 2),
    group("fallible", fallible, 2),
    group("recursive", recursive, 32),
    group("meddling", meddling, 8),
];

#[inline(never)]
fn many(x: u64) -> u64 {
    let mut wrong = 0;
    for i in 0..8_u64 {
        let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| (x >> 32) + i * n);
        let weighted: u64 = [a, b, c, d, e, f, g, h].into_iter().zip(1..).map(|(x, n)| x * n).sum();
        let result = keys::many(a, b, c, d, e, f, g, h);
        wrong += u64::from(result.wrapping_sub(weighted * 4) > 3);
    }
    wrong
}

#[inline(never)]
fn wide(x: u64) -> u64 {
    let mut wrong = 0;
    for i in 0..4 {
        let result = call!(keys::wide(x ^ i << 8));
        let target = result[0] ^ x ^ i << 8;
        wrong += u64::from(target > 3 || result != [result[0]; 8]);
    }
    wrong
}

#[inline(never)]
fn mixed(x: u64) -> u64 {
    let (low, high) = (f64::from(x as u16), u128::from(x >> 48));
    let mut wrong = 0;
    for _ in 0..4 {
        let extra = keys::mixed(low, high << 64 | 5) - low - high as f64;
        wrong += u64::from(![0.0, 0.25, 0.5, 0.75].contains(&extra));
    }
    wrong
}

#[inline(never)]
fn hook(x: u64) -> u64 {
    let x = x >> 32 | 1;
    let sum = AtomicU64::new(0);
    let mut wrong = 0;
    for _ in 0..8 {
        let before = sum.load(Relaxed);
        call!(keys::heard(&sum, x));
        let added = sum.load(Relaxed) - before;
        wrong += u64::from(!added.is_multiple_of(x) || added / x > 3);
    }
    wrong
}

#[inline(never)]
fn constants(_: u64) -> u64 {
    let mut wrong = 0;
    for _ in 0..8 {
        wrong += u64::from(!(10..14).contains(&call!(keys::level())));
        wrong += u64::from(!(10..14).contains(&keys::level()));
        // Either answer is right.
        black_box(keys::LOUD.unlikely() ^ keys::QUIET.likely());
    }
    wrong
}

#[inline(never)]
fn text(x: u64) -> u64 {
    let mut wrong = 0;
    for i in 0..2 {
        let result = keys::text("start ".to_owned(), x as u8 ^ i);
        let number = result.strip_prefix("start ").and_then(|rest| rest.get(..rest.len() - 1));
        let is_right = number.and_then(|n| n.parse().ok()) == Some(x as u8 ^ i);
        wrong += u64::from(!is_right || !result.ends_with(['0', '1', '2', '3']));
    }
    wrong
}

#[inline(never)]
fn fallible(x: u64) -> u64 {
    let mut wrong = 0;
    for i in 0..2 {
        let is_right = match std::panic::catch_unwind(|| call!(keys::fallible(x ^ i))) {
            Ok(result) => keys::is_scaled(x ^ i, result),
            Err(payload) => payload.downcast::<keys::Expected>().is_ok_and(|e| e.0 == x ^ i),
        };
        wrong += u64::from(!is_right);
    }
    wrong
}

#[inline(never)]
fn recursive(x: u64) -> u64 {
    let x = x >> 1;
    u64::from(keys::recursive(x) != x)
}

#[inline(never)]
fn meddling(x: u64) -> u64 {
    let mut wrong = 0;
    for i in 0..8 {
        wrong += u64::from(!keys::is_scaled(x + i, keys::meddling(x + i)));
    }
    wrong
}
