//! Calls at the end of a function, which are jumps.

use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, Ordering};

use measure::Workload;
use static_call::{UpdateError, static_call};

use super::{CALLS, Loop, again, align, way};

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

/// Defines loops that call a function which ends with a call.
macro_rules! by {
    ($by:ident, |$x:ident| $call:expr) => {
        struct $by;

        impl Loop for $by {
            #[inline(always)]
            fn body<const COPY: u64>(mut x: u64) -> u64 {
                #[inline(never)]
                fn ends<const COPY: u64>($x: u64) -> u64 {
                    let $x = $x ^ COPY;
                    $call
                }
                let mut n = CALLS;
                align();
                loop {
                    x = ends::<COPY>(x);
                    n -= 1;
                    if n == 0 {
                        return x;
                    }
                }
            }
        }
    };
}

by!(Name, |x| direct(x));
by!(StaticCall, |x| switchable(x));
by!(Pointer, |x| {
    let pointer = POINTER.load(Ordering::Acquire);
    // SAFETY: it holds functions of this type only.
    let function = unsafe { std::mem::transmute::<*mut (), Function>(pointer) };
    function(x)
});
by!(Dyn, |x| black_box(&Object as &dyn Step).step(x));

/// Returns the workload.
pub(super) fn workload() -> Workload {
    POINTER.store(black_box(direct as Function) as *mut (), Ordering::Release);
    let ways = [
        way::<Name>("direct call"),
        again::<Name>(),
        way::<StaticCall>("static call"),
        way::<Pointer>("AtomicPtr"),
        way::<Dyn>("dyn"),
    ];
    Workload::new("a tail call", ways)
}

/// Makes the static call reach another target.
pub(super) fn switch() -> Result<(), UpdateError> {
    switchable::update(direct).map(drop)
}
