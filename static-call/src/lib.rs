//! Function calls whose target can be changed while the program runs, at the price of a direct
//! call.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

#[doc(hidden)]
pub mod arch;
mod key;
#[doc(hidden)]
pub mod layout;
#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
mod runtime;
mod site;
mod update;

pub use key::{Key, Target};
pub use static_call_macros::static_call;
pub use update::{Barrier, Update, UpdateError};

/// Makes a static call as a site of its own: with its own trampoline, file, line and column.
#[macro_export]
macro_rules! call {
    ($($tokens:tt)*) => {
        $crate::__private::call_impl! { $crate; $($tokens)* }
    };
}
