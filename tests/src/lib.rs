//! A library upstream of the tests, with keys, sites of all kinds, and targets. To a test all of
//! them are in another crate.

#[cfg(doctest)]
mod guide;
pub mod hooks;
#[cfg(target_arch = "x86_64")]
pub mod splits;

use std::sync::atomic::AtomicU64;

use static_call::{call, static_call};

/// The key of most tests.
#[static_call]
pub fn apply(x: u64) -> u64 {
    x + 1
}

/// Off until a test turns it on.
#[static_call]
pub fn note(sum: &AtomicU64, x: u64);

/// A target without generic parameters: its shim in another crate is only a jump to it.
#[inline(never)]
pub fn plus_two(x: u64) -> u64 {
    std::hint::black_box(x) + 2
}

/// A plain call that is not a tail call.
#[inline(never)]
pub fn plain(x: u64) -> u64 {
    apply(x).rotate_left(1)
}

/// A tail call.
#[inline(never)]
pub fn tail(x: u64) -> u64 {
    apply(x)
}

/// A conditional tail call.
#[inline(never)]
pub fn conditional(x: u64) -> u64 {
    if x > 1 << 40 {
        return apply(x);
    }
    x
}

/// A `call!`.
#[inline(never)]
pub fn site(x: u64) -> u64 {
    call!(apply(x)).rotate_left(2)
}

/// A `call!` whose code is generated in the crates that call it.
#[inline]
pub fn inlined(x: u64) -> u64 {
    call!(apply(x)).rotate_left(3)
}

/// The same, once for each type.
pub fn generic<T: Into<u64>>(x: T) -> u64 {
    call!(apply(x.into())).rotate_left(4)
}

/// A way to call `apply`, and by how much it rotates the result.
pub type Way = (fn(u64) -> u64, u32);

/// All the ways above to call `apply`, each with its rotation of the result.
pub const WAYS: &[Way] =
    &[(plain, 1), (tail, 0), (conditional, 0), (site, 2), (|x| inlined(x), 3), (|x| generic(x), 4)];

/// Dropped by the linker, because nothing calls it.
pub fn dead(x: u64) -> u64 {
    call!(apply(x)).rotate_left(5)
}

/// Returns what each way returns while `apply` is `target`; `x` must be above 2^40.
#[must_use]
pub fn expected(target: fn(u64) -> u64, x: u64) -> Vec<u64> {
    WAYS.iter().map(|(_, turn)| target(x).rotate_left(*turn)).collect()
}

/// Returns what each way returns now.
#[must_use]
pub fn all_ways(x: u64) -> Vec<u64> {
    WAYS.iter().map(|(way, _)| way(x)).collect()
}
