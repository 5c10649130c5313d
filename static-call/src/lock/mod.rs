//! The one lock of an image.
//!
//! It is a word in a record of fixed name and format (`arch::lock_record`) that all versions of
//! this crate in one link share: two runtimes may patch the same page, and one must not close it
//! while the other is writing. The word is `process << 32 | thread`, with bit 31 set while a thread
//! sleeps on it; the futex is its low half. So a thread that finds the lock taken can tell whether
//! the holder is itself, or a thread of the parent process that a `fork` without handlers did not
//! copy.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::error::UpdateError;
use crate::sys;

#[cfg(test)]
mod tests;
mod word;

use word::{Reentered, THREAD, WAITERS};

/// The frozen record: 16 bytes.
#[derive(Debug)]
#[repr(C, align(16))]
struct LockRecord {
    /// INV-LOCK: identifies the holder, in the same format in every version.
    word: AtomicU64,
    reserved: AtomicU64,
}

/// Holds the lock until dropped. The lock is never poisoned: no user code runs under it.
#[derive(Debug)]
pub(crate) struct Guard {
    record: &'static LockRecord,
}

impl From<Reentered> for UpdateError {
    fn from(_: Reentered) -> Self {
        Self::Reentered
    }
}

/// Takes the lock. The first call registers the `fork` handlers before it takes the lock, because
/// registering them allocates.
pub(crate) fn lock() -> Result<Guard, Reentered> {
    static FORK_COVERED: AtomicBool = AtomicBool::new(false);
    if !FORK_COVERED.swap(true, Ordering::Relaxed) {
        // The handlers keep `fork` from copying the process in the middle of an update.
        sys::at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
    let record = record();
    acquire(record)?;
    Ok(Guard { record })
}

impl Drop for Guard {
    fn drop(&mut self) {
        release(self.record);
    }
}

fn record() -> &'static LockRecord {
    let record: *const LockRecord = crate::arch::lock_record().cast();
    debug_assert!(record.is_aligned(), "{record:p}");
    // SAFETY: INV-LOCK: the symbol names 16 zeroed, aligned, writable bytes, which all versions
    // use only as atomics.
    unsafe { &*record }
}

/// Returns whether a thread sleeps until the lock is free.
#[cfg(test)]
pub(crate) fn is_waited_for() -> bool {
    record().word.load(Ordering::SeqCst) & WAITERS != 0
}

fn futex(record: &LockRecord) -> &AtomicU32 {
    let word: *const AtomicU32 = (&raw const record.word).cast();
    let low = if cfg!(target_endian = "little") { word } else { word.wrapping_add(1) };
    // SAFETY: INV-LOCK: this is the low half of the word, aligned for four bytes; the kernel and
    // this crate access it atomically.
    unsafe { &*low }
}

/// Returns the word that says that this thread holds the lock.
fn identity() -> u64 {
    u64::from(sys::process()) << 32 | u64::from(sys::thread()) & THREAD
}

fn acquire(record: &LockRecord) -> Result<(), Reentered> {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the futex")]
    let wait = |waited: u64| sys::wait(futex(record), waited as u32);
    word::acquire(&record.word, identity(), sys::KNOWS_THREADS, wait)
}

fn release(record: &LockRecord) {
    word::release(&record.word, || sys::wake_one(futex(record)));
}

/// The word of the thread that holds the lock for a fork, or 0, or [`INTERRUPTED`].
static FORKING: AtomicU64 = AtomicU64::new(0);
/// The forking thread already holds the lock: a signal handler interrupted its update and forks.
const INTERRUPTED: u64 = u64::MAX;

extern "C" fn before_fork() {
    // A fork from a signal handler that interrupted an update of this thread finds the lock
    // held. The update continues in both processes and releases the lock in each.
    let (before, now) = match acquire(record()) {
        Ok(()) => {
            (FORKING.load(Ordering::Relaxed), record().word.load(Ordering::Relaxed) & !WAITERS)
        }
        Err(Reentered) => (0, INTERRUPTED),
    };
    let _ = FORKING.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
}

extern "C" fn after_fork_in_parent() {
    let mine = identity();
    if FORKING.compare_exchange(mine, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        release(record());
    } else {
        let _ = FORKING.compare_exchange(INTERRUPTED, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

extern "C" fn after_fork_in_child() {
    // The child has one thread, so no thread waits, and the holder is always a thread of the
    // parent.
    match FORKING.swap(0, Ordering::Relaxed) {
        0 => {}
        // The interrupted update continues here, under this thread's new identity.
        INTERRUPTED => record().word.store(identity(), Ordering::Release),
        _ => record().word.store(0, Ordering::Release),
    }
}
