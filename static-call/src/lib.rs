//! Function calls whose target can be changed while the program runs, at the price of a direct
//! call.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
#[doc(hidden)]
pub mod arch;
mod key;
#[doc(hidden)]
pub mod layout;
mod lock;
mod path;
#[cfg(feature = "std")]
mod report;
mod runtime;
mod site;
mod sys;
mod update;

/// The parts that patch code; elsewhere the slot does everything.
macro_rules! patching {
    ($($item:item)*) => {$(
        #[cfg(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_os = "linux",
            not(miri)
        ))]
        $item
    )*};
}

patching! {
    mod arena;
    mod cap;
    mod hop;
    mod image;
    mod patch;
    mod plan;
    mod registry;
}

pub use key::{Key, Target};
pub use layout::{Grade, Kind};
pub use path::{Path, Reason};
#[cfg(feature = "std")]
pub use report::{CallReport, Finding, KeyReport, Report, SiteReport, Totals, report};
pub use static_call_macros::static_call;
pub use update::{Barrier, Update, UpdateError};

/// Binds every key: from now on its call instructions go where its target is, without the slot.
///
/// Without it a key is bound by its first update. Until then calls go through the trampoline to the slot.
///
/// # Errors
///
/// See [`UpdateError`]; nothing has changed then.
pub fn init() -> Result<Update, UpdateError> {
    runtime::init()
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
pub fn unbind() -> Result<Update, UpdateError> {
    runtime::unbind()
}

/// Makes a static call as a site of its own: with its own trampoline, file, line and column.
#[macro_export]
macro_rules! call {
    ($($tokens:tt)*) => {
        $crate::__private::call_impl! { $crate; $($tokens)* }
    };
}
