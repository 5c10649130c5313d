//! Paths: how a call instruction reaches its target now, and why it is not inline.

use core::fmt;

/// How a call instruction reaches its target.
///
/// # Examples
///
/// ```
/// use static_call::{Path, static_call};
///
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// let report = static_call::report();
/// let slow = report.sites().flat_map(|site| &site.calls).filter(|call| call.path != Path::Inline);
/// for call in slow {
///     println!("{:#x} goes {}", call.address, call.path);
/// }
/// # level();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// The instruction is patched: it calls the target directly, or is itself the single
    /// instruction with the target's effect, a no-op or a constant.
    Inline,
    /// The instruction calls its trampoline, which jumps to the target.
    Trampoline,
    /// The call goes through the slot.
    Indirect,
}

impl Path {
    /// Returns the path as one word.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(static_call::Path::Inline.as_str(), "inline");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Trampoline => "trampoline",
            Self::Indirect => "indirect",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a call instruction is not inline.
///
/// # Examples
///
/// ```
/// use static_call::Reason;
///
/// assert_eq!(Reason::ShortJump.to_string(), "short jump");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The key is not bound: it has not been updated and `init()` has not been called, or
    /// `unbind()` was called since.
    NotBound,
    /// `STATIC_CALL` caps the path.
    Capped,
    /// The displacement crosses an 8-byte boundary, and the barrier between two steps is not
    /// available: the `errno` of `membarrier`.
    NoBarrier(i32),
    /// The displacement crosses an 8-byte boundary, and no veneer could be made near the image: the
    /// `errno` of `mmap` or `mprotect`, or 0 if the addresses were taken.
    NoVeneer(i32),
    /// A barrier failed between two steps of the last update. The next update continues.
    Unfinished,
    /// The call goes through the GOT, and could not be rewritten to the direct form.
    ThroughGot,
    /// The trampoline's address is loaded into a register, through the GOT or as an 8-byte number,
    /// for calls through the register.
    ThroughRegister,
    /// The trampoline's address is taken.
    AddressTaken,
    /// The instruction is a short jump, whose one-byte displacement reaches no other target.
    ShortJump,
    /// The instruction has an unusual prefix.
    UnusualPrefix,
    /// The call goes through the procedure linkage table: another object may replace the
    /// trampoline.
    ThroughPlt,
    /// The verifier could not prove that rewriting the instruction is safe: the function around it
    /// does not decode unambiguously, or something leads into the middle of its trampoline.
    /// `cargo static-call verify` says which.
    NotProved,
    /// The target is more than 2 GiB away.
    TooFar,
    /// The bytes differ from what the verifier recorded; a problem of the report has the details.
    Changed,
    /// The image was not verified: its build script does not call
    /// `static_call_verify::enable()`, and it was not built by `cargo static-call build` (or was
    /// rebuilt by `cargo build`); or the linker dropped the table.
    NotVerified,
    /// The table cannot be trusted; a problem of the report says why.
    TableRefused,
    /// The system refuses to make code writable, with this `errno`.
    Refused(i32),
    /// The image's program headers are not in memory.
    NoHeaders,
    /// The registry could not be allocated: the `errno` of `mmap`.
    NoMemory(i32),
    /// Nothing is patched on this architecture or system.
    NotSupported,
}

impl Reason {
    /// Returns the reason as one word, without the `errno`.
    ///
    /// # Examples
    ///
    /// ```
    /// use static_call::Reason;
    ///
    /// assert_eq!(Reason::ThroughGot.as_str(), "through-got");
    /// assert_eq!(Reason::Refused(13).as_str(), "refused");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotBound => "not-bound",
            Self::Capped => "capped",
            Self::NoBarrier(_) => "no-barrier",
            Self::NoVeneer(_) => "no-veneer",
            Self::Unfinished => "unfinished",
            Self::ThroughGot => "through-got",
            Self::ThroughRegister => "through-register",
            Self::AddressTaken => "address-taken",
            Self::ShortJump => "short-jump",
            Self::UnusualPrefix => "unusual-prefix",
            Self::ThroughPlt => "through-plt",
            Self::NotProved => "not-proved",
            Self::TooFar => "too-far",
            Self::Changed => "changed",
            Self::NotVerified => "not-verified",
            Self::TableRefused => "table-refused",
            Self::Refused(_) => "refused",
            Self::NoHeaders => "no-headers",
            Self::NoMemory(_) => "no-memory",
            Self::NotSupported => "not-supported",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::NotBound => "not bound yet: init() or an update binds it",
            Self::Capped => "capped by STATIC_CALL",
            Self::NoBarrier(errno) => {
                return write!(f, "takes steps, but membarrier is not available (errno {errno})");
            }
            Self::NoVeneer(0) => "takes steps, but the addresses of its veneers are taken",
            Self::NoVeneer(errno) => {
                return write!(f, "takes steps, but veneers cannot be mapped (errno {errno})");
            }
            Self::Unfinished => "a barrier failed between two steps: the next update continues",
            Self::ThroughGot => "goes through the GOT",
            Self::ThroughRegister => "the address is loaded into a register",
            Self::AddressTaken => "the address is taken",
            Self::ShortJump => "short jump",
            Self::UnusualPrefix => "unusual prefix",
            Self::ThroughPlt => "goes through the PLT",
            Self::NotProved => "not proved safe to rewrite (`cargo static-call verify` says why)",
            Self::TooFar => "target more than 2 GiB away",
            Self::Changed => "bytes differ from what was verified",
            Self::NotVerified => {
                "not verified at link time: call static_call_verify::enable() in build.rs, or \
                 build with `cargo static-call build`"
            }
            Self::TableRefused => "table not trusted",
            Self::Refused(errno) => return write!(f, "code cannot be opened (errno {errno})"),
            Self::NoHeaders => "program headers not in memory",
            Self::NoMemory(errno) => {
                return write!(f, "no memory for the registry (errno {errno})");
            }
            Self::NotSupported => "not patched on this architecture or system",
        };
        f.pad(text)
    }
}
