//! Systems where this crate makes no system call: a lock that spins, and no patching.

use core::sync::atomic::AtomicU32;

/// Identity of this process: there is none to ask for.
pub(crate) fn process() -> u32 {
    1
}

/// Identity of this thread, never 0: the address of a thread-local would need `std`, so that
/// re-entrance from a signal handler is not detected here.
pub(crate) fn thread() -> u32 {
    1
}

/// Whether [`thread`] tells threads apart.
pub(crate) const KNOWS_THREADS: bool = false;

/// Waits a little; the caller looks again.
pub(crate) fn wait(_word: &AtomicU32, _value: u32) {
    core::hint::spin_loop();
}

/// Nobody sleeps here.
pub(crate) fn wake_one(_word: &AtomicU32) {}

/// No handlers: fork belongs to systems that have a file of their own.
pub(crate) fn at_fork(
    _prepare: extern "C" fn(),
    _parent: extern "C" fn(),
    _child: extern "C" fn(),
) {
}
