//! A shared object with keys, sites and a runtime of its own.

use std::arch::asm;

use static_call::{call, static_call};

#[static_call]
fn level(n: u32) -> u32 {
    n
}

/// Updates a key, and calls it before and after.
#[unsafe(no_mangle)]
pub extern "C" fn switch_and_call(n: u32) -> u32 {
    let before = level(n) + call!(level(n));
    level::update(|n| n + 1).unwrap();
    before + level(n) + call!(level(n))
}

/// Does the same, and writes to code only through an alias.
#[unsafe(no_mangle)]
pub extern "C" fn alias_and_call(n: u32) -> u32 {
    static_call::init_aliased().unwrap();
    assert!(static_call::report().aliased);
    switch_and_call(n)
}

#[static_call]
fn weight(n: u32) -> u32 {
    n
}

/// Defines functions, and lists them. Each calls after another number of no-ops, so that a quadword
/// boundary splits the displacements of some in each way.
macro_rules! calls {
    ($($name:ident: $skip:literal;)*) => {
        $(
            #[inline(never)]
            fn $name(n: u32) -> u32 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        concat!(".skip ", $skip, ", 0x90"),
                        options(nomem, nostack, preserves_flags),
                    );
                }
                call!(weight(n)) ^ 0
            }
        )*
        const CALLS: &[fn(u32) -> u32] = &[$($name),*];
    };
}

calls! { a: 0; b: 1; c: 2; d: 3; e: 4; f: 5; g: 6; h: 7; }

/// Switches the other key back and forth. Returns whether every call was right.
#[unsafe(no_mangle)]
pub extern "C" fn switch_often(rounds: u32) -> bool {
    let are = |add: u32| CALLS.iter().all(|call| call(5) == 5 + add);
    (0..rounds).all(|_| {
        let before = are(0);
        weight::update(|n| n + 7).unwrap();
        let between = are(7);
        weight::reset().unwrap();
        before && between && are(0)
    })
}

/// Calls while another thread switches. Returns whether every result was one of the two.
#[unsafe(no_mangle)]
pub extern "C" fn call_often(rounds: u32) -> bool {
    (0..rounds).all(|_| CALLS.iter().all(|call| matches!(call(5), 5 | 12)))
}

/// Returns how many calls are inline, and how many of these take steps.
#[unsafe(no_mangle)]
pub extern "C" fn count_inline(steps: &mut usize) -> usize {
    let report = static_call::report();
    let calls = || report.sites().flat_map(|site| &site.calls);
    let inline = || calls().filter(|call| call.path == static_call::Path::Inline);
    *steps = inline().filter(|call| call.steps).count();
    inline().count()
}
