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
    /// The path in one word.
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
    /// The bytes there were not what the verifier recorded; the finding says more.
    Changed,
    /// No verifier has seen the image: its build script does not call
    /// `static_call_verify::enable()`, and it was not built by `cargo static-call build` (or was built
    /// again by `cargo build`); or the linker dropped the table.
    NotVerified,
    /// The table cannot be trusted; the finding says why.
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

#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
pub(crate) use patched::*;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
mod patched {
    use super::{Path, Reason};
    use crate::cap::Cap;
    use crate::image::TableFault;
    use crate::layout::{Grade, Kind};
    use crate::plan::Lead;
    use crate::registry::{Call, Label, Patching, Registry, Trampoline, Ungraded};
    use crate::update::Update;

    /// Adds a key's call instructions to `update`.
    pub(crate) fn count(registry: &Registry, key: usize, update: &mut Update) {
        let state = &registry.keys[key];
        let mut add = |path| match path {
            Path::Inline => update.inline += 1,
            Path::Trampoline => update.trampoline += 1,
            Path::Indirect => update.indirect += 1,
        };
        if registry.table.is_err() {
            for trampoline in &registry.trampolines[state.trampolines()] {
                add(of_trampoline(registry, trampoline).0);
            }
        }
        for call in &registry.calls[state.calls()] {
            add(of_call(registry, call).0);
        }
        for label in &registry.labels[state.labels()] {
            add(of_label(registry, label).0);
        }
    }

    /// The path of a jump label: bound, its bytes are the answer; else the cold block asks the key.
    pub(crate) fn of_label(registry: &Registry, label: &Label) -> (Path, Option<Reason>) {
        let reason = match registry.cap {
            _ if label.fault.is_some() => Reason::Changed,
            Cap::Trampoline | Cap::Retarget => Reason::Capped,
            _ if is_bound(registry, label.key) => return (Path::Inline, None),
            _ => why_indirect(registry, false),
        };
        (Path::Indirect, Some(reason))
    }

    /// The path of a recorded call instruction.
    pub(crate) fn of_call(registry: &Registry, call: &Call) -> (Path, Option<Reason>) {
        if call.lead != Lead::Trampoline {
            return (Path::Inline, None);
        }
        let trampoline = &registry.trampolines[call.trampoline as usize];
        let (path, why_not_jump) = of_trampoline(registry, trampoline);
        if path == Path::Indirect {
            return (path, why_not_jump);
        }
        let reason = match (call.kind, call.grade) {
            _ if call.fault.is_some() => Reason::Changed,
            (Kind::CallGot | Kind::JmpGot, _) => Reason::ThroughGot,
            (Kind::Register, _) => Reason::ThroughRegister,
            (Kind::AddressTaken | Kind::Label, _) => Reason::AddressTaken,
            (_, Grade::None) => match call.ungraded {
                Ungraded::Short => Reason::ShortJump,
                Ungraded::Prefix => Reason::UnusualPrefix,
                Ungraded::Elsewhere => Reason::ThroughPlt,
                Ungraded::Unproved => Reason::NotProved,
            },
            (_, Grade::Line) => Reason::Line,
            (_, Grade::Straddle) => Reason::Straddle,
            (_, Grade::Quad | Grade::Disp) if registry.cap == Cap::Trampoline => Reason::Capped,
            (_, Grade::Quad | Grade::Disp) => Reason::TooFar,
        };
        (path, Some(reason))
    }

    /// The path of an instruction that calls this trampoline and is not patched itself; of an
    /// unverified image that is all there is to know.
    pub(crate) fn of_trampoline(
        registry: &Registry,
        trampoline: &Trampoline,
    ) -> (Path, Option<Reason>) {
        if trampoline.now != trampoline.linked {
            let reason = match registry.table {
                Ok(()) => None,
                Err(TableFault::Absent) => Some(Reason::NotVerified),
                Err(_) => Some(Reason::TableRefused),
            };
            return (Path::Trampoline, reason);
        }
        let reason = match why_indirect(registry, trampoline.fault.is_some()) {
            Reason::NotBound if is_bound(registry, trampoline.key) => Reason::TooFar,
            reason => reason,
        };
        (Path::Indirect, Some(reason))
    }

    fn is_bound(registry: &Registry, key: u32) -> bool {
        registry.keys.get(key as usize).is_some_and(|key| key.bound)
    }

    /// Why code is as it was linked.
    fn why_indirect(registry: &Registry, is_faulty: bool) -> Reason {
        match registry.patching {
            Patching::Capped => Reason::Capped,
            Patching::Refused(errno) => Reason::Refused(errno),
            Patching::NoHeaders => Reason::NoHeaders,
            Patching::NoMemory(errno) => Reason::NoMemory(errno),
            Patching::Works => match registry.lost_permission {
                _ if is_faulty => Reason::Changed,
                Some(errno) => Reason::Refused(errno),
                None => Reason::NotBound,
            },
        }
    }
}
