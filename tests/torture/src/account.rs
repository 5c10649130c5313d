//! What happened, over all threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts of all threads.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) calls: AtomicU64,
    /// Calls by signal handlers.
    pub(crate) handled: AtomicU64,
    pub(crate) updates: AtomicU64,
    /// Updates that had to fail, and did.
    pub(crate) failed: AtomicU64,
    pub(crate) threads: AtomicU64,
    /// Targets that were made unexecutable after an update had returned.
    pub(crate) revoked: AtomicU64,
    pub(crate) violations: AtomicU64,
    /// The first violations, in words.
    messages: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Account {
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub(crate) fn start(&self) {
        self.stop.store(false, Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Relaxed);
    }

    /// Notes a violation if `is_right` is false.
    #[inline]
    pub(crate) fn check(&self, is_right: bool, message: impl FnOnce() -> String) {
        if !is_right {
            self.violate(message());
        }
    }

    #[cold]
    pub(crate) fn violate(&self, message: String) {
        if self.violations.fetch_add(1, Relaxed) < 20 {
            self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
