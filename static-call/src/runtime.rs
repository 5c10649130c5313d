//! What the public functions do: lock, find the key, commit.

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
#[path = "runtime/patching.rs"]
mod imp;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
#[path = "runtime/slot.rs"]
mod imp;

pub(crate) use imp::*;

use crate::lock::{self, Reentered};
use crate::observer;
use crate::previous::Previous;
use crate::record::KeyRecord;
use crate::update::{Update, UpdateError};
use crate::wish::Wish;

#[cfg(test)]
mod tests;

/// Makes all wishes come true, or none and says why; then tells the observers.
pub(crate) fn commit(wishes: &mut [Wish]) -> Result<Update, UpdateError> {
    commit_then(wishes, |_| ())
}

/// [`commit`], with something to be done with the committed wishes before observers, which may panic,
/// are told.
pub(crate) fn commit_then(
    wishes: &mut [Wish],
    then: impl FnOnce(&[Wish]),
) -> Result<Update, UpdateError> {
    let (mut update, generation) = imp::store(wishes)?;
    then(wishes);
    update.previous = Previous::of(wishes);
    observer::tell(wishes, generation);
    Ok(update)
}

/// [`commit`] of one.
pub(crate) fn commit_one(mut wish: Wish) -> Result<Update, UpdateError> {
    commit(core::slice::from_mut(&mut wish))
}

/// Makes the targets of keys final. Under the lock, so that no update that has begun changes one
/// afterwards.
pub(crate) fn seal<'a>(keys: impl IntoIterator<Item = &'a KeyRecord>) {
    // A signal handler that interrupted an update of this thread cannot wait for its end.
    let _held = lock::lock();
    keys.into_iter().for_each(KeyRecord::seal);
}

impl From<Reentered> for UpdateError {
    fn from(_: Reentered) -> Self {
        Self::Reentered
    }
}
