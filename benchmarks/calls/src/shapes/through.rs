//! A method of a trait, called by generic code.

use std::hint::black_box;
use std::sync::OnceLock;

use measure::{Way, Workload};
use static_call::{Instance, UpdateError, static_call};

use super::{CALLS, align};

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

#[inline(never)]
fn pass_of<S: Step + ?Sized>(step: &S, mut x: u64) -> u64 {
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

fn by_implementation(x: u64) -> u64 {
    pass_of(&Plain, x)
}

fn by_static_call(x: u64) -> u64 {
    pass_of(&StaticStep, x)
}

fn by_object(x: u64) -> u64 {
    let object = OBJECT.get_or_init(|| black_box(Box::new(Plain)));
    pass_of(&**object, x)
}

/// Returns the workload.
///
/// # Errors
///
/// The trait cannot be given its implementation.
pub(super) fn workload() -> Result<Workload, UpdateError> {
    StaticStep::update::<Plain>()?;
    let ways = [
        ("direct call", by_implementation as fn(u64) -> u64),
        ("static call", by_static_call),
        ("dyn", by_object),
    ];
    let ways = ways.map(|(name, pass)| Way::hot(name, CALLS, pass));
    Ok(Workload::new("a method in generic code", ways))
}
