//! What happened, over all threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts of all threads.
#[derive(Default)]
pub(super) struct Account {
    pub(super) calls: AtomicU64,
    /// Calls by signal handlers.
    pub(super) handled: AtomicU64,
    pub(super) updates: AtomicU64,
    /// Updates that had to fail, and did.
    pub(super) failed: AtomicU64,
    pub(super) threads: AtomicU64,
    /// Targets that were made unexecutable after an update had returned.
    pub(super) revoked: AtomicU64,
    pub(super) violations: AtomicU64,
    /// The first violations, in words.
    messages: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Account {
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub(super) fn start(&self) {
        self.stop.store(false, Relaxed);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Relaxed);
    }

    /// Notes a violation if `is_right` is false.
    #[inline]
    pub(super) fn check(&self, is_right: bool, message: impl FnOnce() -> String) {
        if !is_right {
            self.violate(message());
        }
    }

    #[cold]
    pub(super) fn violate(&self, message: String) {
        if self.violations.fetch_add(1, Relaxed) < 20 {
            self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }

    pub(super) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
