//! Calls whose displacement is split in every way by every kind of boundary. The key is exported,
//! and the flags that align calls do not align calls of an exported function in its own library.

use std::arch::asm;

use static_call::static_call;

/// The key of these calls.
#[static_call]
pub fn stepped(x: u64) -> u64 {
    x + 1
}

/// A target in another part of the image.
#[inline(never)]
pub fn near(x: u64) -> u64 {
    std::hint::black_box(x) + 2
}

/// Another, which does not become one with the target that calls it.
#[inline(never)]
pub fn far(x: u64) -> u64 {
    std::hint::black_box(x) + 8
}

/// Defines functions, and lists them. Each makes a call that starts, or nearly so, `$skip` bytes
/// after a boundary of `$align` bytes.
macro_rules! calls {
    ($($name:ident: $align:literal, $skip:literal;)*) => {
        $(
            #[doc = concat!("A call ", $skip, " bytes after a boundary of ", $align, " bytes.")]
            #[inline(never)]
            pub fn $name(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        concat!(".balign ", $align, ", 0x90"),
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                stepped(x).rotate_left(1)
            }
        )*

        /// The functions that call [`stepped()`] and rotate its result by one.
        pub const CALLS: &[fn(u64) -> u64] = &[$($name),*];
    };
}

calls! {
    // The displacement starts one byte later: 1, 2 and 3 bytes of it lie before the boundary.
    across_8_by_1: 64, 6;
    across_8_by_2: 64, 5;
    across_8_by_3: 64, 4;
    across_16_by_1: 64, 14;
    across_16_by_2: 64, 13;
    across_16_by_3: 64, 12;
    across_32_by_1: 64, 30;
    across_32_by_2: 64, 29;
    across_32_by_3: 64, 28;
    // Never at the end of a page.
    across_64_by_1: 128, 62;
    across_64_by_2: 128, 61;
    across_64_by_3: 128, 60;
    across_page_by_1: 4096, 4094;
    across_page_by_2: 4096, 4093;
    across_page_by_3: 4096, 4092;
    // Not split.
    whole: 64, 0;
    displacement_whole: 64, 7;
}

/// Defines functions, and lists them. Each ends in a tail call; where it lies differs.
macro_rules! tails {
    ($($name:ident $conditional:ident: $skip:literal;)*) => {
        $(
            #[doc = concat!("A tail call, about ", $skip, " bytes after a cache line starts.")]
            #[inline(never)]
            pub fn $name(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                stepped(x)
            }

            #[doc = concat!("A conditional one, after ", $skip, " bytes and a comparison.")]
            #[inline(never)]
            pub fn $conditional(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                if x > 1 << 40 {
                    return stepped(x);
                }
                x
            }
        )*

        /// The functions that return what [`stepped()`] returns for an argument above 2^40.
        pub const TAILS: &[fn(u64) -> u64] = &[$($name, $conditional),*];
    };
}

tails! {
    tail_0 conditional_0: 56;
    tail_1 conditional_1: 57;
    tail_2 conditional_2: 58;
    tail_3 conditional_3: 59;
    tail_4 conditional_4: 60;
    tail_5 conditional_5: 61;
    tail_6 conditional_6: 62;
    tail_7 conditional_7: 63;
}

/// Returns what every function here returns.
#[must_use]
pub fn all(x: u64) -> Vec<u64> {
    CALLS.iter().chain(TAILS).map(|function| function(x)).collect()
}

/// Returns what every function here returns while [`stepped()`] is `target`; `x` must be above
/// 2^40.
#[must_use]
pub fn expected(target: fn(u64) -> u64, x: u64) -> Vec<u64> {
    let calls = CALLS.iter().map(|_| target(x).rotate_left(1));
    calls.chain(TAILS.iter().map(|_| target(x))).collect()
}
