//! A library upstream of the tests: keys, sites of all kinds, and targets, each in a crate of its
//! own from the point of view of a test.

#[cfg(doctest)]
mod guide;
pub mod hooks;

use std::sync::atomic::AtomicU64;

use static_call::{call, static_call};

/// The key of most tests.
#[static_call]
pub fn apply(x: u64) -> u64 {
    x + 1
}

/// Off until someone turns it on.
#[static_call]
pub fn note(sum: &AtomicU64, x: u64);

/// A target with no generic parameters: its shim in another crate is nothing but a jump to it.
#[inline(never)]
pub fn plus_two(x: u64) -> u64 {
    std::hint::black_box(x) + 2
}

/// A plain call that returns here.
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

/// A site of its own.
#[inline(never)]
pub fn site(x: u64) -> u64 {
    call!(apply(x)).rotate_left(2)
}

/// Its code is made in the crates that call it.
#[inline]
pub fn inlined(x: u64) -> u64 {
    call!(apply(x)).rotate_left(3)
}

/// As above, once for each type.
pub fn generic<T: Into<u64>>(x: T) -> u64 {
    call!(apply(x.into())).rotate_left(4)
}

/// A way to call `apply`, and by how much it rotates the result.
pub type Way = (fn(u64) -> u64, u32);

/// All the ways above to call `apply`, each with what it makes of the result.
pub const WAYS: &[Way] =
    &[(plain, 1), (tail, 0), (conditional, 0), (site, 2), (|x| inlined(x), 3), (|x| generic(x), 4)];

/// Dropped by the linker: nobody calls it.
pub fn dead(x: u64) -> u64 {
    call!(apply(x)).rotate_left(5)
}

/// What each way gives while `apply` is `target`; the numbers are above 2^40.
#[must_use]
pub fn expected(target: fn(u64) -> u64, x: u64) -> Vec<u64> {
    WAYS.iter().map(|(_, turn)| target(x).rotate_left(*turn)).collect()
}

/// What each way gives now.
#[must_use]
pub fn all_ways(x: u64) -> Vec<u64> {
    WAYS.iter().map(|(way, _)| way(x)).collect()
}
