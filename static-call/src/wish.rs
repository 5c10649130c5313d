//! Wishes: a key, and what it is to call.

use crate::record::KeyRecord;
use crate::target::{Chosen, TargetRecord};
use crate::update::UpdateError;

/// What one key is to call. A commit makes all of its wishes come true, or none.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    key: &'static KeyRecord,
    pub(crate) target: Chosen,
    /// What the key called before the commit.
    pub(crate) before: Chosen,
}

impl Wish {
    /// The wish that `key` call `target`.
    ///
    /// # Safety
    ///
    /// 1. The target has the key's signature.
    #[must_use]
    pub unsafe fn new(key: &'static KeyRecord, target: &'static TargetRecord) -> Self {
        // SAFETY: promise 1 is this function's own.
        unsafe { Self::of(key, Chosen::new(target)) }
    }

    /// The wish that `key` call `target`.
    ///
    /// # Safety
    ///
    /// 1. The target has the key's signature.
    pub(crate) unsafe fn of(key: &'static KeyRecord, target: Chosen) -> Self {
        Self { key, target, before: target }
    }

    /// The wish that `key` call its default.
    #[must_use]
    pub fn default_of(key: &'static KeyRecord) -> Self {
        let target = key.default_target();
        Self { key, target, before: target }
    }

    /// The wish that undoes this one, once it is committed.
    pub(crate) fn undo(self) -> Self {
        Self { key: self.key, target: self.before, before: self.target }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &'static KeyRecord {
        self.key
    }
}

/// Refuses wishes of which one is for a sealed key.
pub(crate) fn refuse_sealed(wishes: &[Wish]) -> Result<(), UpdateError> {
    match wishes.iter().find(|wish| wish.key.is_sealed()) {
        Some(wish) => Err(UpdateError::Sealed { key: wish.key.name() }),
        None => Ok(()),
    }
}
