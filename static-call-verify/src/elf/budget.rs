//! A bound on work and memory: names, texts and tables of an image can lie on top of each other, so
//! that what is read is not bounded by the length of the file. It is bounded by this.
//!
//! Threads share it. Which of them finds it empty is open; that is hostile input, and less is
//! proved.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    /// For an image of `length` bytes: far more than any that a linker has made needs.
    pub(crate) fn new(length: usize) -> Self {
        const BASE: u64 = 16 << 20;
        const PER_BYTE: u64 = 64;
        Self::of((length as u64).saturating_mul(PER_BYTE).saturating_add(BASE))
    }

    /// Of so much.
    pub(crate) fn of(amount: u64) -> Self {
        Self(AtomicU64::new(amount))
    }

    /// Takes `amount` if there is as much left: bytes that are copied, or steps.
    pub(crate) fn spend(&self, amount: usize) -> bool {
        let take = |left: u64| left.checked_sub(amount as u64);
        self.0.fetch_update(Relaxed, Relaxed, take).is_ok()
    }
}
