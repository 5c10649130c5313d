//! Linux: memory for the probe's code, and processors for its threads.

use core::ptr::{null_mut, without_provenance_mut};

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Reserves whole pages without access rights, and returns their address.
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

/// Makes whole pages readable, writable and executable at the same time.
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
    // SAFETY: INV-PROBE: these are pages of the probe (promise 1), which nothing else uses.
    unsafe { mprotect(without_provenance_mut(address), length, all) }.map_err(Errno::raw_os_error)
}

/// Releases pages of [`reserve`].
///
/// # Safety
///
/// 1. `address` is what [`reserve`] returned for `length`, and the pages are not released yet.
/// 2. No thread executes or uses those pages any more.
pub(crate) unsafe fn release(address: usize, length: usize) {
    // SAFETY: INV-PROBE: this is a mapping of the probe (promise 1), no longer in use (promise 2).
    let released = unsafe { munmap(without_provenance_mut(address), length) };
    debug_assert!(released.is_ok(), "{address:#x} is not a mapping of {length:#x} bytes");
}

/// The first or the last processor that this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Last,
}

/// Pins the calling thread to one processor. If the system refuses, the thread stays unpinned.
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
    // Pinning improves the experiment but is not required.
    let _ = sched_setaffinity(None, &set);
}
