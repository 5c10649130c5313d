//! Keys that would call themselves: `a`'s target is the static call `b`, and `b`'s is `a`.
//!
//! This looks at types, so it works on every platform. `hop` finds cycles that only the machine
//! code shows, such as a shim that is a jump to another crate's wrapper.

use core::any::TypeId;
use core::ptr;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::Request;
use crate::target::Chosen;

/// Refuses requests that would make a key call itself. `named` finds the key whose function item
/// has the given type, and `wanted` the target that the requests give to a key.
pub(crate) fn refuse(
    requests: &[Request],
    named: impl Fn(TypeId) -> Option<&'static KeyRecord>,
    wanted: impl Fn(&'static KeyRecord) -> Option<Chosen>,
) -> Result<(), UpdateError> {
    // Only a static call as a target can close a cycle. Most batches have none, and then this looks
    // at each request once.
    let is_key = |request: &&Request| {
        let function = request.target.record().description().function_type();
        function.and_then(&named).is_some()
    };
    let mut suspects = requests.iter().filter(is_key);
    let next = |key: &'static KeyRecord| {
        let target = wanted(key).unwrap_or_else(|| key.current());
        named(target.record().description().function_type()?)
    };
    match suspects.find(|request| leads_back(request.key(), next)) {
        Some(request) => Err(UpdateError::CallsItself { key: request.key().name() }),
        None => Ok(()),
    }
}

/// Returns whether calls of `key` would lead back to it.
fn leads_back(
    key: &'static KeyRecord,
    next: impl Fn(&'static KeyRecord) -> Option<&'static KeyRecord>,
) -> bool {
    // A cycle without `key` belongs to another request, or existed before.
    let (mut slow, mut fast) = (key, key);
    loop {
        for _ in 0..2 {
            match next(fast) {
                Some(found) if ptr::eq(found, key) => return true,
                Some(found) => fast = found,
                None => return false,
            }
        }
        match next(slow) {
            Some(found) => slow = found,
            None => return false,
        }
        if ptr::eq(slow, fast) {
            return false;
        }
    }
}
