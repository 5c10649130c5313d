//! The error of an update.

use core::fmt;

use crate::path::Reason;

#[cfg(test)]
mod tests;

/// The error of an update that was not made. Nothing has changed.
///
/// `Debug` prints the name of the variant and then the message, so that
/// `fn main() -> Result<(), UpdateError>` says what to do.
///
/// # Examples
///
/// ```
/// use static_call::{UpdateError, static_call};
///
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// let error = level::update(level).unwrap_err();
/// assert_eq!(error, UpdateError::CallsItself { key: "level" });
/// assert_eq!(error.to_string(), "`level` would call itself: its target leads back to it");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The code at an address is not what the linker, the verifier or this runtime wrote. The cause
    /// is a debugger's breakpoint, a probe, or another program that rewrites code.
    ForeignBytes {
        /// Address of the instruction or trampoline.
        address: usize,
        /// Length of the instruction or trampoline in bytes, at most 8.
        length: usize,
        /// The expected bytes; those past `length` are 0.
        expected: [u8; 8],
        /// The bytes found; those past `length` are 0.
        found: [u8; 8],
    },
    /// Call instructions are bound, but the system no longer lets their pages be made writable.
    PermissionDenied {
        /// Start of the first page that could not be opened.
        address: usize,
        /// The `errno` of `mprotect`; after [`init_aliased`](crate::init_aliased) that of
        /// `memfd_create`, `pwrite` or `mmap`.
        errno: i32,
    },
    /// Code cannot be mapped from a copy, as [`init_aliased`](crate::init_aliased) needs.
    AliasRefused {
        /// The `errno` of `memfd_create`, `pwrite`, `mmap`, or of reading `/proc/self/pagemap`.
        errno: i32,
    },
    /// A page of code is not as it is in the file, so [`init_aliased`](crate::init_aliased) does
    /// not copy it: an update, a debugger or a uprobe has written to it.
    PageChanged {
        /// Start of the page.
        address: usize,
    },
    /// A call instruction that is retargeted in steps is bound, but the barrier between steps is no
    /// longer available.
    CannotRetarget {
        /// Address of the instruction.
        address: usize,
        /// The `errno` of `membarrier`.
        errno: i32,
    },
    /// The key's calls lead to its default in the file (`bind = true` for the link hook), and they
    /// cannot be rewritten here. They do not follow the slot, so the key keeps its default.
    BoundAtLink {
        /// Name of the key.
        key: &'static str,
        /// Why its calls cannot be rewritten.
        reason: Reason,
    },
    /// The key would call itself.
    CallsItself {
        /// Name of the key.
        key: &'static str,
    },
    /// This thread is already in the middle of an update, which a signal handler interrupted.
    Reentered,
    /// The shared object with the runtime is being unloaded, or the process is exiting.
    Unloaded,
    /// The key's target is final: see [`Key::seal`](crate::Key::seal).
    Sealed {
        /// Name of the key.
        key: &'static str,
    },
    /// The key is a method of an `unsafe trait`. Only its handle's `unsafe` functions and
    /// [`Previous::restore_unchecked`](crate::Previous::restore_unchecked) can change it.
    RequiresUnsafe {
        /// Name of the key.
        key: &'static str,
    },
    /// The flag is off and cannot be counted down, or is on 2³² - 1 times and cannot be counted up.
    CountOutOfRange {
        /// Name of the flag.
        flag: &'static str,
        /// Its count.
        count: u32,
    },
    /// The closure of a [`batch`](fn@crate::batch) abandoned it.
    Cancelled,
    /// A thread that holds a [guard](crate::Scoped) of this key waits for this thread.
    Deadlock {
        /// Name of the key.
        key: &'static str,
    },
}

/// Returns what helps against [`UpdateError::BoundAtLink`], besides not binding.
fn other_remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Capped => ", or unset `STATIC_CALL`",
        Reason::Refused(_) | Reason::NoVeneer(1..) => {
            ", or call `static_call::unbind()` while code can be made writable"
        }
        _ => "",
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ForeignBytes { address, length, expected, found } => write!(
                f,
                "the code at {address:#x} was changed from outside (expected {:02x?}, found \
                 {:02x?}): remove the breakpoint or probe there, then update again",
                &expected[..length],
                &found[..length],
            ),
            Self::PermissionDenied { address, errno } => write!(
                f,
                "the code page at {address:#x} can no longer be made writable (errno {errno}): \
                 call `static_call::unbind()` before the program gives up that right"
            ),
            Self::AliasRefused { errno } => write!(
                f,
                "code cannot be mapped from a copy (errno {errno}): `static_call::init_aliased()` \
                 needs memfd_create, mmap with PROT_EXEC, and /proc/self/pagemap"
            ),
            Self::PageChanged { address } => write!(
                f,
                "the code page at {address:#x} is not as it is in the file: call \
                 `static_call::init_aliased()` before the first update, and remove breakpoints \
                 and probes there"
            ),
            Self::CannotRetarget { address, errno } => write!(
                f,
                "the call at {address:#x} can no longer be retargeted: membarrier failed (errno \
                 {errno}): call `static_call::unbind()` before the program gives up that right"
            ),
            Self::BoundAtLink { key, reason } => write!(
                f,
                "`{key}` was bound to its default at link time, and its calls cannot be rewritten \
                 ({reason}): link without `bind`{}",
                other_remedy(reason)
            ),
            Self::CallsItself { key } => {
                write!(f, "`{key}` would call itself: its target leads back to it")
            }
            Self::Sealed { key } => {
                write!(f, "`{key}` is sealed: `seal` made its target final")
            }
            Self::RequiresUnsafe { key } => write!(
                f,
                "`{key}` belongs to an `unsafe trait`: use `Previous::restore_unchecked` or the \
                 handle's `unsafe` functions"
            ),
            Self::CountOutOfRange { flag, count: 0 } => {
                write!(f, "the flag `{flag}` is off: call `dec` only once for each `inc`")
            }
            Self::CountOutOfRange { flag, count } => {
                write!(f, "the flag `{flag}` is on {count} times, the maximum: call `dec` first")
            }
            Self::Cancelled => f.write_str("the closure of the batch cancelled it"),
            Self::Deadlock { key } => write!(
                f,
                "a thread that holds a guard of `{key}` waits for a guard that this thread holds: \
                 take all keys in one guard with `static_call::scoped`"
            ),
            Self::Unloaded => f.write_str(
                "the shared object with this key is being unloaded, or the process is exiting",
            ),
            Self::Reentered => f.write_str(
                "this thread is already in an update: do not update from a signal handler",
            ),
        }
    }
}

impl fmt::Debug for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::ForeignBytes { .. } => "ForeignBytes",
            Self::PermissionDenied { .. } => "PermissionDenied",
            Self::AliasRefused { .. } => "AliasRefused",
            Self::PageChanged { .. } => "PageChanged",
            Self::CannotRetarget { .. } => "CannotRetarget",
            Self::BoundAtLink { .. } => "BoundAtLink",
            Self::CallsItself { .. } => "CallsItself",
            Self::Reentered => "Reentered",
            Self::Unloaded => "Unloaded",
            Self::Sealed { .. } => "Sealed",
            Self::RequiresUnsafe { .. } => "RequiresUnsafe",
            Self::CountOutOfRange { .. } => "CountOutOfRange",
            Self::Cancelled => "Cancelled",
            Self::Deadlock { .. } => "Deadlock",
        };
        write!(f, "{name}: {self}")
    }
}

impl core::error::Error for UpdateError {}
