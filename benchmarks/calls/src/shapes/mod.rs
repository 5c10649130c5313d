//! Workloads of one site: chains of calls, independent calls, and other signatures.

mod signatures;
mod tail;
mod through;

use measure::{Way, Workload};
use static_call::UpdateError;

/// Copies of each loop, at as many addresses: whether a loop of three branches is fast depends on
/// where it lies. A pass runs all of them.
const COPIES: u64 = 16;
/// Calls in a loop.
const CALLS: u64 = 1_000;

/// A loop of calls. Its copies differ by a constant, so that the compiler does not merge them.
trait Loop {
    /// Makes the calls. It is inlined into [`run`].
    fn body<const COPY: u64>(x: u64) -> u64;
}

/// A copy of a loop. Those of another set have another mark, for the same reason.
#[inline(never)]
fn run<L: Loop, const COPY: u64, const MARK: u64>(x: u64) -> u64 {
    L::body::<COPY>(x) ^ MARK
}

/// Runs all copies of a loop in the set with this mark.
fn pass<L: Loop, const MARK: u64>(mut x: u64) -> u64 {
    macro_rules! copies {
        ($($copy:literal)*) => {
            $(x = run::<L, $copy, MARK>(x) ^ MARK;)*
        };
    }
    copies!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    x
}

/// Returns a way whose passes are these loops.
fn way<L: Loop>(name: &'static str) -> Way {
    Way::hot(name, COPIES * CALLS, pass::<L, 0>)
}

/// Returns the control: the loops of the direct call once more, in another set. What it differs by
/// says how much the place of a loop matters.
fn again<L: Loop>() -> Way {
    Way::hot("direct call, elsewhere", COPIES * CALLS, pass::<L, 1>)
}

/// Returns the workloads.
///
/// # Errors
///
/// A trait cannot be given its implementation.
pub(crate) fn workloads() -> Result<Vec<Workload>, UpdateError> {
    let mut workloads = signatures::workloads();
    workloads.push(through::workload()?);
    workloads.push(tail::workload());
    Ok(workloads)
}

/// Makes the static calls reach other targets than their defaults.
///
/// # Errors
///
/// A static call cannot be updated.
pub(crate) fn switch() -> Result<(), UpdateError> {
    signatures::switch()?;
    tail::switch()
}

/// Pads with no-ops to the next cache line, where a loop begins: alignment can cost more than what
/// is measured.
#[inline(always)]
fn align() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it only pads with no-ops.
    unsafe {
        std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
    }
}
