//! Wishes: a key, and what it is to call.

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::target::{Chosen, FLAG_OFF, FLAG_ON, TargetRecord};

/// What one key is to call. A commit makes all of its wishes come true, or none.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    key: &'static KeyRecord,
    pub(crate) target: Chosen,
    /// What the key called before the commit.
    pub(crate) before: Chosen,
    count: Option<Counted>,
}

/// What a wish makes of the count of its flag, which decides the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// This.
    Set(u32),
    /// One more.
    Up,
    /// One less.
    Down,
}

/// A [`Count`], what the flag's was before the commit, and what it came to.
#[derive(Clone, Copy, Debug)]
struct Counted {
    by: Count,
    before: u32,
    after: u32,
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
        Self { key, target, before: target, count: None }
    }

    /// The wish that a flag be counted.
    pub(crate) fn count(key: &'static KeyRecord, by: Count) -> Self {
        let target = key.default_target();
        let count = Some(Counted { by, before: 0, after: 0 });
        Self { key, target, before: target, count }
    }

    /// The wish that `key` call its default.
    #[must_use]
    pub fn default_of(key: &'static KeyRecord) -> Self {
        let target = key.default_target();
        Self { key, target, before: target, count: None }
    }

    /// The wish that undoes this one, once it is committed.
    pub(crate) fn undo(self) -> Self {
        let back = |c: Counted| Counted { by: Count::Set(c.before), ..c };
        let count = self.count.map(back);
        Self { key: self.key, target: self.before, before: self.target, count }
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

/// The wishes that count: of those for one key the last.
pub(crate) fn last_of_each(wishes: &[Wish]) -> impl Iterator<Item = &Wish> {
    let is_last = |&(i, wish): &(usize, &Wish)| {
        !wishes[i + 1..].iter().any(|later| core::ptr::eq(later.key, wish.key))
    };
    wishes.iter().enumerate().filter(is_last).map(|(_, wish)| wish)
}

/// Finds out what the wishes make of the counts of their flags, in their order. The caller holds
/// the lock.
pub(crate) fn settle(wishes: &mut [Wish]) -> Result<(), UpdateError> {
    for i in 0..wishes.len() {
        let (earlier, later) = wishes.split_at_mut(i);
        let Wish { key, count: Some(counted), target, .. } = &mut later[0] else { continue };
        let last = earlier.iter().rfind(|wish| core::ptr::eq(wish.key, *key));
        let count = last.and_then(|wish| wish.count).map_or_else(|| key.count(), |c| c.after);
        let after = match counted.by {
            Count::Set(count) => Some(count),
            Count::Up => count.checked_add(1),
            Count::Down => count.checked_sub(1),
        };
        let after = after.ok_or(UpdateError::CountOutOfRange { flag: key.name(), count })?;
        // As for the target: before the commit, whatever wishes of this one stand earlier.
        (counted.before, counted.after) = (key.count(), after);
        *target = Chosen::new(if after > 0 { &FLAG_ON } else { &FLAG_OFF });
    }
    Ok(())
}

/// Stores the counts of committed wishes. The caller holds the lock still.
pub(crate) fn store_counts(wishes: &[Wish]) {
    for wish in wishes {
        if let Some(counted) = wish.count {
            wish.key.set_count(counted.after);
        }
    }
}
