//! Paths: how a call instruction gets to its target now, and why not a shorter way.

use core::fmt;

/// How a call instruction gets to its target.
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
    /// It is patched: it calls the target itself, or is the one instruction that does as much: a
    /// no-op, or a constant.
    Inline,
    /// It calls its trampoline, which jumps to the target.
    Trampoline,
    /// It goes through the slot.
    Indirect,
}

impl Path {
    /// Returns the path in one word.
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
/// assert_eq!(Reason::Straddle.to_string(), "crosses a cache line");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its key was never updated, and `init()` was not called, or `unbind()` was.
    NotBound,
    /// `STATIC_CALL` caps the path.
    Capped,
    /// Its displacement crosses an 8-byte boundary inside a cache line.
    Line,
    /// Its displacement crosses an 8-byte boundary and the instruction a cache line.
    Straddle,
    /// It goes through the GOT, and could not be rewritten to the direct form.
    ThroughGot,
    /// The trampoline's address goes to a register through the GOT.
    ThroughRegister,
    /// The trampoline's address is taken.
    AddressTaken,
    /// A short jump has no displacement that could be rewritten.
    ShortJump,
    /// It has an unusual prefix.
    UnusualPrefix,
    /// It goes through the procedure linkage table: another object may replace the trampoline.
    ThroughPlt,
    /// The verifier could not prove that it is safe to rewrite: the function around it does not
    /// decode without doubt, or something leads into the middle of its trampoline.
    /// `cargo static-call verify` says which.
    NotProved,
    /// The target is further than 2 GiB.
    TooFar,
    /// The bytes there were not what the verifier recorded; a problem of the report says more.
    Changed,
    /// No verifier has seen the image: its build script does not call
    /// `static_call_verify::enable()`, and it was not built by `cargo static-call build` (or was
    /// built again by `cargo build`); or the linker dropped the table.
    NotVerified,
    /// The table cannot be trusted; a problem of the report says why.
    TableRefused,
    /// The system refuses to make code writable, with this `errno`.
    Refused(i32),
    /// The image's program headers are not in memory.
    NoHeaders,
    /// There was no memory for the registry: this `errno`.
    NoMemory(i32),
    /// This architecture or system is one where nothing is patched.
    NotSupported,
}

impl Reason {
    /// Returns the reason in one word, without an `errno`.
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
            Self::Line => "line",
            Self::Straddle => "straddle",
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
            Self::NotBound => "not bound: no update yet, and no init()",
            Self::Capped => "capped by STATIC_CALL",
            Self::Line => "displacement crosses an 8-byte boundary",
            Self::Straddle => "crosses a cache line",
            Self::ThroughGot => "goes through the GOT",
            Self::ThroughRegister => "called through a register",
            Self::AddressTaken => "trampoline's address is taken",
            Self::ShortJump => "short jump",
            Self::UnusualPrefix => "unusual prefix",
            Self::ThroughPlt => "goes through the PLT",
            Self::NotProved => "not proved safe to rewrite (cargo static-call verify says why)",
            Self::TooFar => "target further than 2 GiB",
            Self::Changed => "bytes differ from what was verified",
            Self::NotVerified => {
                "not verified at link time: needs static_call_verify::enable() in build.rs, or \
                 `cargo static-call build` instead of `cargo build`"
            }
            Self::TableRefused => "table not trusted",
            Self::Refused(errno) => return write!(f, "mprotect refused (errno {errno})"),
            Self::NoHeaders => "program headers not in memory",
            Self::NoMemory(errno) => {
                return write!(f, "no memory for the registry (errno {errno})");
            }
            Self::NotSupported => "not patched on this architecture or system",
        };
        f.pad(text)
    }
}
