//! Workloads of one site: chains of calls, independent calls, and other signatures.

mod signatures;
mod tail;
mod through;

use measure::Workload;
use static_call::UpdateError;

/// Calls in a pass.
const CALLS: u64 = 10_000;

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
