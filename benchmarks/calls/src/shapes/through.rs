//! A method of a trait, called by generic code.
//!
//! A pass of the loop executes eight instructions as a direct or a static call (move, call, count,
//! jump; move, rotate, exclusive-or, return), and nine as a call of an object, to which a register
//! must point.

use std::hint::black_box;
use std::sync::OnceLock;

use measure::Workload;
use static_call::{Instance, UpdateError, static_call};

use super::{CALLS, Loop, again, align, way};

/// What generic code calls.
#[static_call]
trait Step {
    fn step(&self, x: u64) -> u64;
}

/// What the static call and the object call. It may be inlined into the shim of the static call. If
/// it were a function of its own, the shim would move the argument from the first register to the
/// second and jump to it: two instructions that the other ways do not execute.
#[derive(Instance)]
struct Plain;

impl Step for Plain {
    fn step(&self, x: u64) -> u64 {
        x.rotate_left(1) ^ 0x5bd1_e995
    }
}

/// What the direct call calls: the same, but not inlined into the loop. The constant differs, or
/// the compiler could make it and the object's method one function.
struct Apart;

impl Step for Apart {
    #[inline(never)]
    fn step(&self, x: u64) -> u64 {
        x.rotate_left(1) ^ 0x5bd1_e996
    }
}

static OBJECT: OnceLock<Box<dyn Step + Send + Sync>> = OnceLock::new();

/// Generic code, which knows of no static call.
#[inline(always)]
fn steps<S: Step + ?Sized>(step: &S, mut x: u64) -> u64 {
    let mut n = CALLS;
    align();
    loop {
        x = step.step(x);
        n -= 1;
        if n == 0 {
            return x;
        }
    }
}

struct Implementation;

impl Loop for Implementation {
    #[inline(always)]
    fn body<const COPY: u64>(x: u64) -> u64 {
        steps(&Apart, x ^ COPY)
    }
}

struct Handle;

impl Loop for Handle {
    #[inline(always)]
    fn body<const COPY: u64>(x: u64) -> u64 {
        steps(&StaticStep, x ^ COPY)
    }
}

struct Object;

impl Loop for Object {
    #[inline(always)]
    fn body<const COPY: u64>(x: u64) -> u64 {
        let object = OBJECT.get_or_init(|| black_box(Box::new(Plain)));
        steps(&**object, x ^ COPY)
    }
}

/// Returns the workload.
///
/// # Errors
///
/// The trait cannot be given its implementation.
pub(super) fn workload() -> Result<Workload, UpdateError> {
    StaticStep::update::<Plain>()?;
    let ways = [
        way::<Implementation>("direct call"),
        again::<Implementation>(),
        way::<Handle>("static call"),
        way::<Object>("dyn"),
    ];
    Ok(Workload::new("a method in generic code", ways))
}
