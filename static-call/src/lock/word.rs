//! How threads take and release the word of the lock.
//!
//! This file names atomics through `crate::sync` only: `tests/loom` compiles it with atomics that
//! try every order in which threads can run.

use crate::sync::{AtomicU64, Ordering};

/// Set while a thread sleeps on the word.
pub(crate) const WAITERS: u64 = 1 << 31;
/// The bits of the thread.
pub(crate) const THREAD: u64 = WAITERS - 1;

/// This thread already holds the lock: a signal handler interrupted an update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reentered;

/// Takes the lock for `mine`. `wait` sleeps while the word is what it is given; it may wake
/// spuriously. Only where `knows_threads` is `mine` different for each thread.
pub(crate) fn acquire(
    lock: &AtomicU64,
    mine: u64,
    knows_threads: bool,
    wait: impl Fn(u64),
) -> Result<(), Reentered> {
    let mut word = mine;
    loop {
        let now = match lock.compare_exchange(0, word, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return Ok(()),
            Err(now) => now,
        };
        if knows_threads && now & !WAITERS == mine {
            return Err(Reentered);
        }
        if now >> 32 != mine >> 32 {
            // The holder is a thread of the process that this one was forked from.
            if lock.compare_exchange(now, word, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Ok(());
            }
            continue;
        }
        let waited = now | WAITERS;
        let is_marked = now & WAITERS != 0
            || lock.compare_exchange(now, waited, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_marked {
            wait(waited);
            // Other threads may still be asleep. This one cannot know, so it keeps the bit set.
            word = mine | WAITERS;
        }
    }
}

/// Releases the lock. `wake_one` wakes a thread that sleeps on the word.
pub(crate) fn release(lock: &AtomicU64, wake_one: impl FnOnce()) {
    let held = lock.swap(0, Ordering::Release);
    if held & WAITERS != 0 {
        wake_one();
    }
}
