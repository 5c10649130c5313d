//! Requests: a key, and the target that it should call.

use crate::error::UpdateError;
use crate::flag::state::{FLAG_OFF, FLAG_ON};
use crate::record::KeyRecord;
use crate::target::{Chosen, TargetRecord};

#[cfg(test)]
mod tests;

/// A request that one key call a target. A commit carries out all of its requests, or none.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    key: &'static KeyRecord,
    pub(crate) target: Chosen,
    /// What the key called before the commit.
    pub(crate) before: Chosen,
    count: Option<Counted>,
    others: Others,
}

/// The requests of the same list that are for the same key.
#[derive(Clone, Copy, Debug)]
enum Others {
    /// They are searched for.
    Unknown,
    /// The index of the last one before this one, and whether any comes after it.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "for batches"))]
    Known { earlier: Option<u32>, is_last: bool },
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
        Self { key, target, before: target, count: None, others: Others::Unknown }
    }

    /// Requests that a flag be counted.
    pub(crate) fn count(key: &'static KeyRecord, by: Count) -> Self {
        let target = key.default_target();
        let count = Some(Counted { by, before: 0, after: 0 });
        Self { key, target, before: target, count, others: Others::Unknown }
    }

    /// Requests that `key` call its default.
    #[must_use]
    pub fn default_of(key: &'static KeyRecord) -> Self {
        let target = key.default_target();
        Self { key, target, before: target, count: None, others: Others::Unknown }
    }

    /// Returns the request that undoes this one, once it is committed.
    pub(crate) fn undo(&self) -> Self {
        let back = |c: Counted| Counted { by: Count::Set(c.before), ..c };
        let count = self.count.map(back);
        let others = Others::Unknown;
        Self { key: self.key, target: self.before, before: self.target, count, others }
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

/// Finds out which requests of a list are for the same key, so that nobody has to search for them
/// under the lock: in a long list that takes long. The list does not change afterwards.
#[cfg(feature = "std")]
pub(crate) fn link(requests: &mut [Request]) {
    let key_of = |requests: &[Request], i: u32| core::ptr::from_ref(requests[i as usize].key);
    let mut order: std::vec::Vec<u32> = (0..).take(requests.len()).collect();
    order.sort_unstable_by_key(|&i| (key_of(requests, i), i));
    for (n, &i) in order.iter().enumerate() {
        let is_same = |other: &&u32| key_of(requests, **other) == key_of(requests, i);
        let before = n.checked_sub(1).and_then(|before| order.get(before));
        let earlier = before.filter(is_same).copied();
        let is_last = order.get(n + 1).filter(is_same).is_none();
        requests[i as usize].others = Others::Known { earlier, is_last };
    }
}

/// Returns the requests that take effect: the last for each key.
pub(crate) fn last_of_each(requests: &[Request]) -> impl Iterator<Item = &Request> {
    let is_last = |&(i, request): &(usize, &Request)| match request.others {
        Others::Known { is_last, .. } => is_last,
        Others::Unknown => {
            !requests[i + 1..].iter().any(|later| core::ptr::eq(later.key, request.key))
        }
    };
    requests.iter().enumerate().filter(is_last).map(|(_, request)| request)
}

/// Returns the target that the requests give to a key.
pub(crate) fn last_of(requests: &[Request], key: &'static KeyRecord) -> Option<Chosen> {
    let last = requests.iter().rfind(|request| core::ptr::eq(request.key, key));
    last.map(|request| request.target)
}

/// Returns the last request before the one at `i` for the same key.
fn earlier(requests: &[Request], i: usize) -> Option<&Request> {
    match requests[i].others {
        Others::Known { earlier, .. } => requests.get(earlier? as usize),
        Others::Unknown => {
            requests[..i].iter().rfind(|request| core::ptr::eq(request.key, requests[i].key))
        }
    }
}

/// Works out the flags' counts after the requests, in order, and so their targets. The caller holds
/// the lock.
pub(crate) fn settle(requests: &mut [Request]) -> Result<(), UpdateError> {
    for i in 0..requests.len() {
        let Request { key, count: Some(_), .. } = requests[i] else { continue };
        let last = earlier(requests, i).and_then(|request| request.count);
        let count = last.map_or_else(|| key.count(), |counted| counted.after);
        let Request { count: Some(counted), target, .. } = &mut requests[i] else { continue };
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
