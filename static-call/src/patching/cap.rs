//! `STATIC_CALL=inline|retarget|trampoline|indirect`: how far the code of the program may be
//! changed.

use core::sync::atomic::{AtomicU8, Ordering};

/// The environment's word on paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cap {
    /// No cap.
    Inline = 1,
    /// Trampolines are patched, call instructions are not.
    Trampoline = 2,
    /// Nothing is patched.
    Indirect = 3,
    /// The variable holds something else: no cap, and a problem.
    Unknown = 4,
    /// Calls and trampolines are retargeted, and no instruction becomes another one: a uprobe that
    /// is removed puts the first byte of the file back, whatever it is in memory.
    Retarget = 5,
}

static CAP: AtomicU8 = AtomicU8::new(0);

/// Reads the variable, at the first call; not under the lock, because the reading allocates.
pub(crate) fn get() -> Cap {
    match CAP.load(Ordering::Relaxed) {
        1 => Cap::Inline,
        2 => Cap::Trampoline,
        3 => Cap::Indirect,
        4 => Cap::Unknown,
        5 => Cap::Retarget,
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
