//! Requests: a key, and the target that it should call.

use crate::error::UpdateError;
use crate::flag::state::{FLAG_OFF, FLAG_ON};
use crate::record::KeyRecord;
use crate::target::{Chosen, TargetRecord};

/// A request that one key call a target. A commit carries out all of its requests, or none.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    key: &'static KeyRecord,
    pub(crate) target: Chosen,
    /// What the key called before the commit.
    pub(crate) before: Chosen,
    count: Option<Counted>,
}

/// How a request changes the count of its flag, which decides the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Sets it.
    Set(u32),
    /// Adds one.
    Up,
    /// Subtracts one.
    Down,
}

/// A [`Count`], with the flag's count before the commit and after it.
#[derive(Clone, Copy, Debug)]
struct Counted {
    by: Count,
    before: u32,
    after: u32,
}

impl Request {
    /// Requests that `key` call `target`.
    ///
    /// # Safety
    ///
    /// 1. The target has the key's signature.
    #[must_use]
    pub unsafe fn new(key: &'static KeyRecord, target: TargetRecord) -> Self {
        // SAFETY: promise 1 is the same as this function's.
        unsafe { Self::of(key, Chosen::new(target)) }
    }

    /// Requests that `key` call `target`.
    ///
    /// # Safety
    ///
    /// 1. The target has the key's signature.
    pub(crate) unsafe fn of(key: &'static KeyRecord, target: Chosen) -> Self {
        Self { key, target, before: target, count: None }
    }

    /// Requests that a flag be counted.
    pub(crate) fn count(key: &'static KeyRecord, by: Count) -> Self {
        let target = key.default_target();
        let count = Some(Counted { by, before: 0, after: 0 });
        Self { key, target, before: target, count }
    }

    /// Requests that `key` call its default.
    #[must_use]
    pub fn default_of(key: &'static KeyRecord) -> Self {
        let target = key.default_target();
        Self { key, target, before: target, count: None }
    }

    /// Returns the request that undoes this one, once it is committed.
    pub(crate) fn undo(self) -> Self {
        let back = |c: Counted| Counted { by: Count::Set(c.before), ..c };
        let count = self.count.map(back);
        Self { key: self.key, target: self.before, before: self.target, count }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &'static KeyRecord {
        self.key
    }
}

/// Refuses the requests if any of them is for a sealed key.
pub(crate) fn refuse_sealed(requests: &[Request]) -> Result<(), UpdateError> {
    match requests.iter().find(|request| request.key.is_sealed()) {
        Some(request) => Err(UpdateError::Sealed { key: request.key.name() }),
        None => Ok(()),
    }
}

/// Returns the requests that take effect: the last for each key.
pub(crate) fn last_of_each(requests: &[Request]) -> impl Iterator<Item = &Request> {
    let is_last = |&(i, request): &(usize, &Request)| {
        !requests[i + 1..].iter().any(|later| core::ptr::eq(later.key, request.key))
    };
    requests.iter().enumerate().filter(is_last).map(|(_, request)| request)
}

/// Works out the flags' counts after the requests, in order, and so their targets. The caller holds
/// the lock.
pub(crate) fn settle(requests: &mut [Request]) -> Result<(), UpdateError> {
    for i in 0..requests.len() {
        let (earlier, later) = requests.split_at_mut(i);
        let Request { key, count: Some(counted), target, .. } = &mut later[0] else { continue };
        let last = earlier.iter().rfind(|request| core::ptr::eq(request.key, *key));
        let count = last.and_then(|request| request.count).map_or_else(|| key.count(), |c| c.after);
        let after = match counted.by {
            Count::Set(count) => Some(count),
            Count::Up => count.checked_add(1),
            Count::Down => count.checked_sub(1),
        };
        let after = after.ok_or(UpdateError::CountOutOfRange { flag: key.name(), count })?;
        // `before` is the count before the commit, even if earlier requests change it, too. The
        // same holds for the target.
        (counted.before, counted.after) = (key.count(), after);
        *target = match after > 0 {
            is_on if is_on != key.has(KeyRecord::HAS_NO_BODY) => key.default_target(),
            true => Chosen::new(FLAG_ON),
            false => Chosen::new(FLAG_OFF),
        };
    }
    Ok(())
}

/// Stores the counts of committed requests. The caller still holds the lock.
pub(crate) fn store_counts(requests: &[Request]) {
    for request in requests {
        if let Some(counted) = request.count {
            request.key.set_count(counted.after);
        }
    }
}
