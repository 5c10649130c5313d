//! `STATIC_CALL=inline|no-steps|retarget|trampoline|indirect`: how much of the program's code may
//! be changed.

use core::sync::atomic::{AtomicU8, Ordering};

/// The cap on paths that the environment sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cap {
    /// No cap.
    Inline = 1,
    /// Trampolines are patched, call instructions are not.
    Trampoline = 2,
    /// Nothing is patched.
    Indirect = 3,
    /// The variable has an unknown value: no cap, and a problem in the report.
    Unknown = 4,
    /// Calls and trampolines are retargeted, but no instruction is replaced by another one: when a
    /// uprobe is removed, the kernel writes back the first byte of the file, whatever is in memory.
    Retarget = 5,
    /// Only calls that one store can retarget are patched, so an update runs one barrier; the first
    /// of a key that was bound at link time may run three.
    NoSteps = 6,
}

static CAP: AtomicU8 = AtomicU8::new(0);

/// Returns the cap; the first call reads the variable. Do not call it under the lock, because
/// reading the variable allocates.
pub(crate) fn get() -> Cap {
    match CAP.load(Ordering::Relaxed) {
        1 => Cap::Inline,
        2 => Cap::Trampoline,
        3 => Cap::Indirect,
        4 => Cap::Unknown,
        5 => Cap::Retarget,
        6 => Cap::NoSteps,
        _ => {
            let cap = read();
            CAP.store(cap as u8, Ordering::Relaxed);
            cap
        }
    }
}

#[cfg(feature = "std")]
fn read() -> Cap {
    let Some(value) = std::env::var_os("STATIC_CALL") else { return Cap::Inline };
    match value.to_str() {
        Some("inline" | "") => Cap::Inline,
        Some("no-steps") => Cap::NoSteps,
        Some("retarget") => Cap::Retarget,
        Some("trampoline") => Cap::Trampoline,
        Some("indirect") => Cap::Indirect,
        _ => Cap::Unknown,
    }
}

#[cfg(not(feature = "std"))]
fn read() -> Cap {
    Cap::Inline
}
