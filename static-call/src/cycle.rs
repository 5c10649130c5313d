//! Keys that would call themselves: `a`'s target is the static call `b`, and `b`'s is `a`.
//!
//! Told by types, so that it holds for code of every kind; what only the machine code shows (a
//! shim that is a jump to another crate's wrapper) `hop` finds.

use core::any::TypeId;
use core::ptr;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::Wish;
use crate::target::Chosen;

/// Refuses wishes that would make a key call itself. `named` finds the key that a function is the
/// caller's side of.
pub(crate) fn refuse(
    wishes: &[Wish],
    named: impl Fn(TypeId) -> Option<&'static KeyRecord>,
) -> Result<(), UpdateError> {
    match wishes.iter().find(|wish| leads_back(wish.key(), wishes, &named)) {
        Some(wish) => Err(UpdateError::CallsItself { key: wish.key().name() }),
        None => Ok(()),
    }
}

/// Whether calls of `key` would come back to it.
fn leads_back(
    key: &'static KeyRecord,
    wishes: &[Wish],
    named: &impl Fn(TypeId) -> Option<&'static KeyRecord>,
) -> bool {
    let next = |key: &'static KeyRecord| {
        let wish = wishes.iter().rfind(|wish| ptr::eq(wish.key(), key));
        let target: Chosen = wish.map_or_else(|| key.current(), |wish| wish.target);
        named(target.record().type_behind()?)
    };
    // A way that goes round without `key` is some other wish's, or was there before.
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
