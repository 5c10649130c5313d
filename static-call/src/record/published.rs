//! The fields of a key that calls read while an update writes them, and the order of these writes.
//!
//! This file names atomics through `crate::sync` only: `tests/loom` compiles it with atomics that
//! try every order in which threads can run.

use core::ptr::null_mut;

use crate::sync::{AtomicPtr, AtomicU8, Ordering};

/// The hook has a target, or the flag is on. Not used for keys with a body.
pub(crate) const ON: u8 = 2;

/// The slot, the current target and the state of a key.
#[derive(Clone, Copy)]
pub(crate) struct Published<'a> {
    pub(crate) slot: &'a AtomicPtr<()>,
    pub(crate) current: &'a AtomicPtr<()>,
    pub(crate) state: &'a AtomicU8,
}

impl Published<'_> {
    /// Publishes a target, whose shim is `entry`. The caller holds the lock.
    pub(crate) fn set(self, target: *mut (), entry: *mut (), is_on: bool) {
        self.current.store(target, Ordering::Release);
        self.slot.store(entry, Ordering::Release);
        // After the slot: a thread that finds the key on must find its target, too.
        if is_on {
            self.state.fetch_or(ON, Ordering::Release);
        } else {
            self.state.fetch_and(!ON, Ordering::Release);
        }
    }

    /// Publishes the choice of a default, at the first call and without the lock. A concurrent
    /// update wins. `first` is what the slot held at first.
    pub(crate) fn choose(self, first: *mut (), target: *mut (), entry: *mut ()) {
        let _ =
            self.current.compare_exchange(null_mut(), target, Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.slot.compare_exchange(first, entry, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Returns the current target, null for the default.
    pub(crate) fn current(self) -> *mut () {
        self.current.load(Ordering::Acquire)
    }

    /// Returns the shim of the current target.
    #[inline(always)]
    pub(crate) fn entry(self) -> *mut () {
        self.slot.load(Ordering::Acquire)
    }

    /// Returns whether the hook has a target, or the flag is on.
    #[inline(always)]
    pub(crate) fn is_on(self) -> bool {
        self.state.load(Ordering::Acquire) & ON != 0
    }
}
