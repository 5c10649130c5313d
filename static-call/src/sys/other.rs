//! Systems where this crate makes no system calls: the lock spins, and nothing is patched.

use core::sync::atomic::AtomicU32;

/// Returns a constant identity of this process: no system call is made to get one.
pub(crate) fn process() -> u32 {
    1
}

/// Returns a constant identity of this thread, not 0. The address of a thread-local would need
/// `std`, so re-entrance from a signal handler is not detected here.
pub(crate) fn thread() -> u32 {
    1
}

/// Whether [`thread`] returns a different identity for each thread.
pub(crate) const KNOWS_THREADS: bool = false;

/// Waits briefly; the caller checks again.
pub(crate) fn wait(_word: &AtomicU32, _value: u32) {
    core::hint::spin_loop();
}

/// Does nothing: no thread sleeps here.
pub(crate) fn wake_one(_word: &AtomicU32) {}

/// Registers nothing: systems with `fork` have a file of their own.
pub(crate) fn at_fork(
    _prepare: extern "C" fn(),
    _parent: extern "C" fn(),
    _child: extern "C" fn(),
) {
}
