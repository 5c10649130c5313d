//! Commits: every update, reset and restore ends up here.
//!
//! The next file on the way of an update is `patching/mod.rs`, or `slot/mod.rs` where nothing is
//! patched.

use core::slice::from_mut;

use crate::error::UpdateError;
use crate::previous::Previous;
use crate::record::{KEYS, KeyRecord};
use crate::request::Request;
use crate::target::TargetRecord;
use crate::update::Update;
use crate::{backend, lock, observer};

#[cfg(test)]
mod tests;

/// Carries out all requests and tells the observers, or carries out none and says why.
pub(crate) fn commit(requests: &mut [Request]) -> Result<Update, UpdateError> {
    commit_then(requests, |_| ())
}

/// Commits as [`commit`] does, and calls `then` with the committed requests before it tells the
/// observers, which may panic.
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

/// Commits one request as [`commit`] does.
pub(crate) fn commit_one(mut request: Request) -> Result<Update, UpdateError> {
    commit(from_mut(&mut request))
}

/// Commits that `key` call `target`. One call for each update in the user's code, where it is a
/// piece of each program's size.
///
/// # Safety
///
/// 1. The target has the key's signature.
#[inline(never)]
pub(crate) unsafe fn commit_target(
    key: &'static KeyRecord,
    target: TargetRecord,
) -> Result<Update, UpdateError> {
    // SAFETY: promise 1 is the same as this function's (INV-SHIM).
    commit_one(unsafe { Request::new(key, target) })
}

/// Makes the targets of keys final. It takes the lock, so that no update in progress changes one
/// afterwards.
pub(crate) fn seal_keys<'a>(keys: impl IntoIterator<Item = &'a KeyRecord>) {
    // In a signal handler that interrupted an update of this thread, `lock` fails: the handler
    // cannot wait for the update to end.
    let _held = lock::lock();
    keys.into_iter().for_each(KeyRecord::seal);
}

/// Patches every key's calls to reach its current target directly.
///
/// Without it, a key is bound by its first update; until then its calls go through the trampoline
/// to the slot. Where the link bound calls to their defaults (`bind = true` for the link hook of
/// `static-call-verify`), it finds nothing to do.
///
/// # Errors
///
/// See [`UpdateError`]. If it fails, nothing has changed.
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

/// Patches every key's calls as [`init`] does, and has all updates from now on write to code
/// through an *alias*: for the length of an update, copies of its pages are mapped twice,
/// executable in their place and writable elsewhere. No page is ever writable and executable at
/// one address.
///
/// It is for processes that may not have such pages: under `PR_SET_MDWE`, systemd's
/// `MemoryDenyWriteExecute` or SELinux, where [`init`] leaves every call on its slot. It goes
/// around the letter of such a policy, so it is a decision of the program: during an update, code
/// that can write to any memory of the process can change what is executed. A policy that also
/// denies `memfd_create`, or to execute such files, is obeyed.
///
/// Call it before the first update, and in each shared object that has keys of its own. It is worth
/// knowing what it costs:
///
/// - All pages with call instructions are copied once, and each update copies its own again. They
///   are no longer shared with other processes that run the same file.
/// - `perf` and uprobes do not see these pages as the program's file. Debuggers and backtraces do:
///   they find functions by address.
/// - An update takes longer than by `mprotect`; calls do not.
///
/// [Alias](crate::guide::alias) has the figures, and what an update asks of the kernel. Where
/// nothing is patched it does what `init` does.
///
/// # Errors
///
/// [`UpdateError::AliasRefused`] if the system refuses to map a copy of code executable, and
/// [`UpdateError::PageChanged`] if code is not as it is in the file: it was updated by `mprotect`
/// before, or has a breakpoint or a uprobe. Then nothing has changed, and updates go on as if this
/// had not been called. Otherwise as for [`init`]; under a debugger, a breakpoint in a call is
/// found only when updates have begun to go through the alias, which they then do from now on.
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
/// // Where there is no alias, go on as usual.
/// static_call::init_aliased().or_else(|_| static_call::init())?;
/// parse::update(|text| text.len() * 2)?;
/// assert_eq!(parse("four"), 8);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub fn init_aliased() -> Result<Update, UpdateError> {
    backend::init_aliased()
}

/// Restores every call instruction and trampoline to what the linker wrote, so that calls go
/// through the slot.
///
/// Call it before the program gives up the right to write code (with a seccomp filter or
/// `PR_SET_MDWE`) if it still needs updates afterwards. A later update binds its key again where
/// that is still allowed.
///
/// # Errors
///
/// See [`UpdateError`]. If it fails, nothing has changed. It fails with
/// [`UpdateError::BoundAtLink`] where calls were bound at link time and cannot be rewritten.
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
/// // … prctl(PR_SET_MDWE, …): from here on, code cannot be made writable.
/// parse::update(|text| text.len() * 2)?;
/// assert_eq!(parse("four"), 8);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub fn unbind() -> Result<Update, UpdateError> {
    backend::unbind()
}

/// Makes the targets of all keys final: every later update fails with [`UpdateError::Sealed`].
/// Waits for an update in progress on another thread.
///
/// This does for every key what [`Key::seal`](crate::Key::seal) does for one. It does not cover the
/// keys of code that is loaded later.
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
    /// Makes the keys of the update call what they called before it, as one batch.
    ///
    /// This also undoes updates of these keys made since. Without the feature `std` the token of a
    /// trait's update is empty, and restoring it does nothing.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`](crate::Key::update), and [`UpdateError::RequiresUnsafe`] if a key is
    /// a method of an `unsafe trait`.
    ///
    /// # Examples
    ///
    /// See [`Previous`].
    pub fn restore(self) -> Result<Update, UpdateError> {
        commit(self.into_safe()?.requests())
    }

    /// Restores the keys as [`Previous::restore`] does, even methods of an `unsafe trait`.
    ///
    /// # Safety
    ///
    /// 1. For each `unsafe trait` whose methods the token restores: what the `update` of its handle
    ///    requires.
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
    /// // SAFETY: `level` does not belong to an `unsafe trait`.
    /// unsafe { previous.restore_unchecked()? };
    /// assert_eq!(level(), 1);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub unsafe fn restore_unchecked(mut self) -> Result<Update, UpdateError> {
        commit(self.requests())
    }
}
