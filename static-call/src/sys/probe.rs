//! Linux: memory for the code of the probe, and processors for its threads.

use core::ptr::{null_mut, without_provenance_mut};

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Reserves whole pages that nothing may touch yet, and returns their address.
///
/// # Errors
///
/// The `errno` of `mmap(2)`.
pub(crate) fn reserve(length: usize) -> Result<usize, i32> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: INV-PROBE: a new anonymous mapping overlaps nothing.
    let memory = unsafe { mmap_anonymous(null_mut(), length, ProtFlags::empty(), flags) };
    memory.map(|memory| memory.expose_provenance()).map_err(Errno::raw_os_error)
}

/// Makes whole pages readable, writable and executable at once.
///
/// # Errors
///
/// The `errno` of `mprotect(2)`.
///
/// # Safety
///
/// 1. The pages were reserved by [`reserve`] and not released.
pub(crate) unsafe fn open(address: usize, length: usize) -> Result<(), i32> {
    let all = MprotectFlags::READ | MprotectFlags::WRITE | MprotectFlags::EXEC;
    // SAFETY: INV-PROBE: pages of the probe (promise 1), which nothing else uses.
    unsafe { mprotect(without_provenance_mut(address), length, all) }.map_err(Errno::raw_os_error)
}

/// Gives back what [`reserve`] returned.
///
/// # Safety
///
/// 1. `address` is what [`reserve`] returned for `length`, and it was not released.
/// 2. No thread executes or uses those pages any more.
pub(crate) unsafe fn release(address: usize, length: usize) {
    // SAFETY: INV-PROBE: a mapping of the probe (promise 1), out of use (promise 2).
    let released = unsafe { munmap(without_provenance_mut(address), length) };
    debug_assert!(released.is_ok(), "{address:#x} is no mapping of {length:#x} bytes");
}

/// Which of two processors, the first and the last that this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Last,
}

/// Keeps the calling thread on one processor; where that is refused it stays free.
pub(crate) fn stay(place: Place) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let mut processors = (0..CpuSet::MAX_CPU).filter(|&i| allowed.is_set(i));
    let chosen = match place {
        Place::First => processors.next(),
        Place::Last => processors.next_back(),
    };
    let Some(processor) = chosen else { return };
    let mut set = CpuSet::new();
    set.set(processor);
    // An optimisation of the experiment, not a condition.
    let _ = sched_setaffinity(None, &set);
}
