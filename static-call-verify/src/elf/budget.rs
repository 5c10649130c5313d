//! A bound on work and memory. Names, texts and tables of an image can overlap, so the length of
//! the file does not bound how much is read. This budget does.
//!
//! Threads share it, and which of them exhausts it is unspecified. That happens only on hostile
//! input, and then less is proved.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    /// Returns the budget for an image of `length` bytes, far more than any linker's image needs.
    pub(crate) fn new(length: usize) -> Self {
        const BASE: u64 = 16 << 20;
        const PER_BYTE: u64 = 64;
        Self::of((length as u64).saturating_mul(PER_BYTE).saturating_add(BASE))
    }

    /// Returns a budget of this amount.
    pub(crate) fn of(amount: u64) -> Self {
        Self(AtomicU64::new(amount))
    }

    /// Takes `amount` if that much is left. The unit is one byte copied, or one step.
    pub(crate) fn spend(&self, amount: usize) -> bool {
        let take = |left: u64| left.checked_sub(amount as u64);
        self.0.fetch_update(Relaxed, Relaxed, take).is_ok()
    }
}
