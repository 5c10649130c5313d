//! Commits: what every update, reset and restoring comes to.
//!
//! The next file on the way of an update is `patching/mod.rs`, or `slot/mod.rs` where nothing is
//! patched.

use core::slice::from_mut;

use crate::error::UpdateError;
use crate::previous::Previous;
use crate::record::{KEYS, KeyRecord};
use crate::request::Request;
use crate::update::Update;
use crate::{backend, lock, observer};

#[cfg(test)]
mod tests;

/// Makes all requests come true, or none and says why; then tells the observers.
pub(crate) fn commit(requests: &mut [Request]) -> Result<Update, UpdateError> {
    commit_then(requests, |_| ())
}

/// Commits as [`commit`] does, with something to be done with the committed requests before
/// observers, which may panic, are told.
pub(crate) fn commit_then(
    requests: &mut [Request],
    then: impl FnOnce(&[Request]),
) -> Result<Update, UpdateError> {
    let (mut update, generation) = backend::apply(requests)?;
    then(requests);
    update.previous = Previous::of(requests);
    observer::tell(requests, generation);
    Ok(update)
}

/// [`commit`] of one.
pub(crate) fn commit_one(mut request: Request) -> Result<Update, UpdateError> {
    commit(from_mut(&mut request))
}

/// Makes the targets of keys final. Under the lock, so that no update that has begun changes one
/// afterwards.
pub(crate) fn seal_keys<'a>(keys: impl IntoIterator<Item = &'a KeyRecord>) {
    // A signal handler that interrupted an update of this thread cannot wait for its end.
    let _held = lock::lock();
    keys.into_iter().for_each(KeyRecord::seal);
}

/// Patches every key's calls to reach its current target directly.
///
/// Without it a key is bound by its first update. Until then calls go through the trampoline to the
/// slot.
///
/// # Errors
///
/// See [`UpdateError`]; nothing has changed then.
///
/// # Examples
///
/// ```
/// # use static_call::static_call;
/// #[static_call]
/// fn parse(text: &str) -> usize {
///     text.len()
/// }
///
/// let update = static_call::init()?;
/// println!("{} call instructions are inline", update.inline);
/// assert_eq!(parse("four"), 4);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub fn init() -> Result<Update, UpdateError> {
    backend::init()
}

/// Puts every call instruction and trampoline back to what the linker wrote: calls go through
/// the slot.
///
/// For a program that is about to give up the right to write code (a seccomp filter, `PR_SET_MDWE`)
/// and wants to go on updating. A later update binds its key again, where that is still allowed.
///
/// # Errors
///
/// See [`UpdateError`]; nothing has changed then.
///
/// # Examples
///
/// ```
/// # use static_call::static_call;
/// #[static_call]
/// fn parse(text: &str) -> usize {
///     text.len()
/// }
///
/// static_call::init()?;
/// static_call::unbind()?;
/// // … prctl(PR_SET_MDWE, …): from here on code cannot be made writable.
/// parse::update(|text| text.len() * 2)?;
/// assert_eq!(parse("four"), 8);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub fn unbind() -> Result<Update, UpdateError> {
    backend::unbind()
}

/// Makes the targets of all keys final: every later update is an [`UpdateError::Sealed`]. One that
/// is under way on another thread is waited for.
///
/// What [`Key::seal`](crate::Key::seal) does for one. Keys of code that is loaded later are not
/// among them.
///
/// # Examples
///
/// ```standalone_crate
/// use static_call::{UpdateError, static_call};
///
/// #[static_call]
/// fn parse(text: &str) -> usize {
///     text.len()
/// }
///
/// static_call::init()?;
/// static_call::seal();
/// assert_eq!(parse::reset().unwrap_err(), UpdateError::Sealed { key: "parse" });
/// # Ok::<(), UpdateError>(())
/// ```
pub fn seal() {
    seal_keys(KEYS.static_slice());
}

impl Previous {
    /// Makes the keys of the update call what they called before it; as one batch, if it was one.
    ///
    /// Updates that were made since are undone with it. Without the feature `std` the token of a
    /// trait's update is empty, and restoring it does nothing.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`](crate::Key::update), and [`UpdateError::RequiresUnsafe`] where a key
    /// is a method of an `unsafe trait`.
    ///
    /// # Examples
    ///
    /// See [`Previous`].
    pub fn restore(self) -> Result<Update, UpdateError> {
        commit(self.into_safe()?.requests())
    }

    /// Restores as [`Previous::restore`] does, for the methods of an `unsafe trait`, too.
    ///
    /// # Safety
    ///
    /// 1. What the `update` of every `unsafe trait`'s handle asks for that the token is of.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`](crate::Key::update).
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::static_call;
    /// #[static_call]
    /// fn level() -> u32 {
    ///     1
    /// }
    ///
    /// let previous = level::update(|| 2)?.previous;
    /// // SAFETY: it is of no unsafe trait.
    /// unsafe { previous.restore_unchecked()? };
    /// assert_eq!(level(), 1);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub unsafe fn restore_unchecked(mut self) -> Result<Update, UpdateError> {
        commit(self.requests())
    }
}
