//! Why an update was not made: an error that knows nothing of the other modules.

use core::fmt;

/// Why an update was not made. Nothing has changed then.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The bytes at this address are not what the linker, the verifier or this runtime wrote: a
    /// debugger's breakpoint, a probe, or another program that rewrites code.
    ForeignBytes {
        /// Where.
        address: usize,
        /// Bytes of the instruction or trampoline, at most 8.
        length: usize,
        /// What was expected there; bytes past `length` are 0.
        expected: [u8; 8],
        /// What was found there; bytes past `length` are 0.
        found: [u8; 8],
    },
    /// Call instructions are bound, and the system refuses to open their pages now.
    PermissionDenied {
        /// Start of the first page that could not be opened.
        address: usize,
        /// The `errno` of `mprotect`.
        errno: i32,
    },
    /// The key would come to call itself.
    CallsItself {
        /// Name of the key.
        key: &'static str,
    },
    /// This thread is in the middle of an update already: a signal handler interrupted it.
    Reentered,
    /// The shared object with the runtime is being unloaded, or the process is ending.
    Unloaded,
    /// The key is final: [`Key::seal`](crate::Key::seal).
    Sealed {
        /// Name of the key.
        key: &'static str,
    },
    /// The key is a method of an `unsafe trait`, and only its handle's `unsafe` functions and
    /// [`Previous::restore_unchecked`](crate::Previous::restore_unchecked) change it.
    RequiresUnsafe {
        /// Name of the key.
        key: &'static str,
    },
    /// A flag is not on and cannot be counted down, or is on 2³² - 1 times and cannot be counted
    /// up.
    CountOutOfRange {
        /// Name of the flag.
        flag: &'static str,
        /// Its count.
        count: u32,
    },
    /// The closure of a [`batch`](fn@crate::batch) gave it up.
    Cancelled,
    /// A [guard](crate::Scoped) of this key is held by a thread that waits for this one.
    Deadlock {
        /// Name of the key.
        key: &'static str,
    },
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ForeignBytes { address, length, expected, found } => write!(
                f,
                "the code at {address:#x} was changed by somebody else (expected {:02x?}, found \
                 {:02x?}): remove the breakpoint or probe there and update again",
                &expected[..length],
                &found[..length],
            ),
            Self::PermissionDenied { address, errno } => write!(
                f,
                "the code page at {address:#x} cannot be made writable any more (errno {errno}): \
                 call `static_call::unbind()` before the program gives up that right"
            ),
            Self::CallsItself { key } => {
                write!(f, "`{key}` would call itself: its target leads back to it")
            }
            Self::Sealed { key } => {
                write!(f, "`{key}` is sealed: its target is final, as `seal` was told")
            }
            Self::RequiresUnsafe { key } => write!(
                f,
                "`{key}` belongs to an unsafe trait: restore it by `Previous::restore_unchecked`"
            ),
            Self::CountOutOfRange { flag, count: 0 } => {
                write!(f, "the flag `{flag}` is off: there is no `inc` for this `dec` to undo")
            }
            Self::CountOutOfRange { flag, count } => {
                write!(f, "the flag `{flag}` is on {count} times: it cannot be counted higher")
            }
            Self::Cancelled => f.write_str("the batch was given up by its own closure"),
            Self::Deadlock { key } => write!(
                f,
                "a guard of `{key}` is held by a thread that waits for a guard of this one: take all \
                 keys in one guard with `static_call::scoped`"
            ),
            Self::Unloaded => f.write_str(
                "the shared object with this key is being unloaded, or the process is ending",
            ),
            Self::Reentered => f.write_str(
                "this thread is already in an update: do not update from a signal handler",
            ),
        }
    }
}

impl core::error::Error for UpdateError {}
