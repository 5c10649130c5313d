//! Calls at the end of a function, which are jumps.

use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, Ordering};

use measure::{Way, Workload};
use static_call::{UpdateError, static_call};

use super::{CALLS, align};

type Function = fn(u64) -> u64;

#[inline(always)]
fn body(x: u64) -> u64 {
    x.rotate_left(1) ^ 0x5bd1_e995
}

#[inline(never)]
fn direct(x: u64) -> u64 {
    body(x)
}

#[static_call]
fn switchable(x: u64) -> u64 {
    body(x)
}

trait Step {
    fn step(&self, x: u64) -> u64;
}

struct Object;

impl Step for Object {
    fn step(&self, x: u64) -> u64 {
        body(x)
    }
}

static POINTER: AtomicPtr<()> = AtomicPtr::new(direct as Function as *mut ());

/// Defines a function that ends with a call, and a pass over it.
macro_rules! way {
    ($pass:ident, |$x:ident| $call:expr) => {
        fn $pass(mut x: u64) -> u64 {
            #[inline(never)]
            fn ends($x: u64) -> u64 {
                let $x = $x ^ 1;
                $call
            }
            let mut n = CALLS;
            align();
            loop {
                x = ends(x);
                n -= 1;
                if n == 0 {
                    return x;
                }
            }
        }
    };
}

way!(by_name, |x| direct(x));
way!(by_static_call, |x| switchable(x));
way!(by_pointer, |x| {
    let pointer = POINTER.load(Ordering::Acquire);
    // SAFETY: it holds functions of this type only.
    let function = unsafe { std::mem::transmute::<*mut (), Function>(pointer) };
    function(x)
});
way!(by_object, |x| black_box(&Object as &dyn Step).step(x));

/// Returns the workload.
pub(super) fn workload() -> Workload {
    POINTER.store(black_box(direct as Function) as *mut (), Ordering::Release);
    let ways = [
        ("direct call", by_name as Function),
        ("static call", by_static_call),
        ("AtomicPtr", by_pointer),
        ("dyn", by_object),
    ];
    Workload::new("a tail call", ways.map(|(name, pass)| Way::hot(name, CALLS, pass)))
}

/// Makes the static call reach another target.
pub(super) fn switch() -> Result<(), UpdateError> {
    switchable::update(direct).map(drop)
}
