//! A method of a trait, called by generic code.

use std::hint::black_box;
use std::sync::OnceLock;

use measure::Workload;
use static_call::{Instance, UpdateError, static_call};

use super::{CALLS, Loop, align, way};

/// What generic code calls.
#[static_call]
trait Step {
    fn step(&self, x: u64) -> u64;
}

#[derive(Instance)]
struct Plain;

impl Step for Plain {
    #[inline(never)]
    fn step(&self, x: u64) -> u64 {
        x.rotate_left(1) ^ 0x5bd1_e995
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
    #[inline(never)]
    fn run<const COPY: u64>(x: u64) -> u64 {
        steps(&Plain, x ^ COPY)
    }
}

struct Handle;

impl Loop for Handle {
    #[inline(never)]
    fn run<const COPY: u64>(x: u64) -> u64 {
        steps(&StaticStep, x ^ COPY)
    }
}

struct Object;

impl Loop for Object {
    #[inline(never)]
    fn run<const COPY: u64>(x: u64) -> u64 {
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
    let ways =
        [way::<Implementation>("direct call"), way::<Handle>("static call"), way::<Object>("dyn")];
    Ok(Workload::new("a method in generic code", ways))
}
