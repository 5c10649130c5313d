//! Function calls whose target can be changed while the program runs, at the price of a direct
//! call.
//!
//! A call of a `#[static_call]` function is a direct `call` instruction. [`Key::update`], or
//! `update` on the type named after the function, rewrites these instructions while other threads
//! execute them, so that they call another function directly: without a load, an indirect branch,
//! or a thread being stopped. The Linux kernel has had this since 5.10 (`DEFINE_STATIC_CALL`); this
//! is static calls for user space, on stable Rust.
//!
//! ```
//! use static_call::{call, static_call};
//!
//! #[static_call]
//! pub fn checksum(data: &[u8]) -> u32 {
//!     data.iter().map(|&byte| u32::from(byte)).sum()
//! }
//!
//! assert_eq!(checksum(b"abc"), 294);
//! checksum::update(|data| data.iter().fold(7, |sum, &byte| sum * 31 + u32::from(byte)))?;
//! assert_eq!(checksum(b"abc"), 304_891);           // an ordinary call
//! assert_eq!(call!(checksum(b"abc")), 304_891);    // the same, as a site of its own
//! checksum::reset()?;
//! println!("{}", static_call::report());           // each call: its path, and why
//! # Ok::<(), static_call::UpdateError>(())
//! ```
//!
//! Methods, whole traits, hooks that evaluate nothing while they are off, and choices by CPU
//! feature are declared with [`#[static_call]`](macro@static_call), boolean flags without a load
//! with [`flag!`]. The [guide] has a page for each task, from the first program to deploying it.
//!
//! # Getting calls inline
//!
//! The package with the binary adds `static-call-verify` to its build dependencies and calls it in
//! its build script:
//!
//! ```text
//! fn main() {
//!     static_call_verify::enable();
//! }
//! ```
//!
//! This adds a step to the link: a *verifier* reads the finished program, proves which call
//! instructions can be rewritten safely while other threads execute them, and records them in the
//! program. Nothing else is ever rewritten. All other calls go through an eight-byte trampoline.
//! Without the build script everything works, too, with one more jump per call. [`report`] shows
//! the path of each call and why it is not inline. What makes this sound is in [`safety`].
//!
//! # What works where
//!
//! The program behaves the same in every row; only the [`Path`] of its calls differs. `inline`: the
//! call instruction leads straight to the target. `trampoline`: it calls a trampoline, which is
//! rewritten to jump to the target. `indirect`: the trampoline jumps through an atomic pointer.
//!
//! | where | path |
//! |---|---|
//! | x86-64 Linux, verified: rust-lld, GNU ld or mold, gcc or clang | `inline`; `trampoline` where the call is not a direct one, or not proved to be one |
//! | x86-64 Linux, not verified | `trampoline` |
//! | code may not be writable (seccomp, SELinux, `PR_SET_MDWE`) | `indirect`; as above after [`init_aliased`] |
//! | other architectures and systems, Miri | `indirect` |
//! | `cdylib`, plug-ins | as above; each has its own keys |
//! | Rust `dylib` | as above in the object with the runtime; `indirect` in others |
//!
//! An update changes most inline calls by one store. If an 8-byte boundary cuts the displacement of
//! the instruction, the update changes it *in steps*: up to three stores with a barrier after each.
//! The call costs the same. No compiler flags are needed; [some](guide::verifier#flags) align
//! calls, so that updates are cheaper.
//!
//! The minimum supported Rust version is 1.88.
//!
//! # When not to use it
//!
//! - **One hot, well-predicted pointer.** In a loop that fits the caches, an `AtomicPtr` or `dyn`
//!   call can cost no more than a direct call. Static calls pay off in large programs, in cold
//!   code, and where the target inlines into its shim.
//! - **A choice that changes often.** An update takes microseconds and interrupts every core that
//!   runs the program. It is for decisions, not for requests.
//! - **A choice between values, or per object.** A static call has one target for the whole
//!   process. Use `dyn` or an enum.
//! - **Code that must never be writable**, not even for the length of an update and at another
//!   address ([`init_aliased`]). Call [`unbind`], or set `STATIC_CALL=indirect`.
//!
//! # Features
//!
//! - `runtime` (default): keys, updates and macros. Without it there are only the formats that the
//!   verifier shares. For `no_std`, turn off the default features and turn this one on.
//! - `std` (default): [`report`], [`batch`](fn@batch), [`scoped`](fn@scoped), handlers around
//!   `fork`, and CPU detection for `select`. Also reads the environment variable
//!   `STATIC_CALL=inline|no-steps|retarget|trampoline|indirect`, which caps the path (`no-steps`:
//!   only calls that one store can retarget are patched; `retarget`: no instruction changes its
//!   first byte). Without this feature the crate is `no_std` and needs no allocator.
//! - `serde`: `serde::Serialize` for a [`Report`] and its parts. Kinds, grades and paths are words
//!   (`jmp`, `quad`, `inline`); reasons are the phrases of the text.
#![no_std]
#![cfg_attr(
    not(feature = "runtime"),
    allow(dead_code, unused_imports, reason = "`arch` has parts that only the runtime uses")
)]

#[cfg(feature = "std")]
extern crate std;

#[doc(hidden)]
pub mod arch;
#[cfg(feature = "std")]
mod batch;
#[cfg(feature = "runtime")]
mod commit;
#[cfg(feature = "runtime")]
mod cycle;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "probe")]
mod experiment;
#[cfg(feature = "runtime")]
mod flag;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(feature = "runtime")]
mod handle;
#[cfg(feature = "runtime")]
mod instance;
#[cfg(feature = "runtime")]
mod key;
#[doc(hidden)]
pub mod layout;
#[cfg(feature = "runtime")]
mod lock;
#[cfg(feature = "runtime")]
mod observer;
#[cfg(feature = "runtime")]
mod path;
#[cfg(feature = "runtime")]
mod previous;
#[cfg(feature = "runtime")]
mod private;
#[cfg(feature = "probe")]
pub mod probe;
#[cfg(feature = "runtime")]
mod record;
#[cfg(feature = "std")]
mod report;
#[cfg(feature = "runtime")]
mod request;
#[cfg(doc)]
#[doc = include_str!("../SAFETY.md")]
pub mod safety {}
#[cfg(feature = "std")]
mod scoped;
#[cfg(feature = "runtime")]
mod site;
#[cfg(feature = "runtime")]
mod sync;
#[cfg(feature = "runtime")]
mod sys;
#[cfg(feature = "runtime")]
mod target;
#[cfg(feature = "runtime")]
pub mod traits;
#[cfg(feature = "runtime")]
mod update;

#[cfg(all(
    feature = "runtime",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
mod patching;
#[cfg(all(
    feature = "runtime",
    not(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))
))]
mod slot;

// What carries out updates. This is the only choice by target platform.
#[cfg(all(
    feature = "runtime",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
use patching as backend;
#[cfg(all(
    feature = "runtime",
    not(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))
))]
use slot as backend;

/// The items that generated code names. Do not use them by hand: semver does not cover them.
#[doc(hidden)]
pub mod __private {
    pub use core;

    #[cfg(feature = "runtime")]
    pub use crate::private::*;
}

#[cfg(feature = "std")]
pub use batch::{Batch, batch};
#[cfg(feature = "runtime")]
pub use commit::{init, init_aliased, seal, unbind};
#[cfg(feature = "runtime")]
pub use error::UpdateError;
#[cfg(feature = "runtime")]
pub use flag::Flag;
#[cfg(feature = "runtime")]
pub use instance::Instance;
#[cfg(feature = "runtime")]
pub use key::Key;
pub use layout::{Grade, Kind};
#[cfg(feature = "runtime")]
pub use observer::{Change, Observer, generation};
#[cfg(feature = "runtime")]
pub use path::{Path, Reason};
#[cfg(feature = "runtime")]
pub use previous::Previous;
#[cfg(feature = "std")]
pub use report::{CallReport, KeyReport, Problem, Report, SiteReport, Totals};
#[cfg(feature = "std")]
pub use scoped::{Scoped, scoped};
#[cfg(feature = "runtime")]
#[doc = include_str!("attribute.md")]
#[doc = include_str!("select.md")]
pub use static_call_macros::static_call;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use static_call_macros::{call as __expand_call, item as __expand_item};
#[cfg(feature = "runtime")]
pub use target::Target;
#[cfg(feature = "runtime")]
pub use update::{Barrier, Update};

/// Returns a report of every key, site and call instruction.
///
/// It binds nothing and changes nothing. In a signal handler that interrupted an update it cannot
/// look between two updates: the report then has no keys, and a problem that says so.
///
/// # Examples
///
/// ```
/// println!("{}", static_call::report());
/// ```
#[cfg(feature = "std")]
#[must_use]
pub fn report() -> Report {
    backend::report()
}

/// Makes a static call as a site of its own, with its own trampoline and source position.
///
/// The argument is an ordinary call of a `#[static_call]` function or method by its path, and means
/// the same as that call. The report lists it separately. Its trampoline is local to the calling
/// function, so the compiler emits a direct call, which optional flags align; a plain call of a
/// `pub` key inside its own library may go through the global offset table instead.
///
/// In `a::b(..)`, `a` is a type if it is `Self` or begins with a capital letter, and a module
/// otherwise. For a type whose name looks like a module's, write `<a>::b(..)`. A method's receiver
/// is its first argument: `call!(Filter::matches(&filter, line))`.
///
/// For a hook, a function without a body, the arguments are evaluated only while the hook is on.
/// Where code is patched, a hook that is off costs a five-byte no-op: the test, the arguments and
/// the call are out of line. `return`, `?`, `break` and `continue` in an argument act as in any
/// call.
///
/// # Examples
///
/// ```
/// use static_call::{call, static_call};
///
/// #[static_call]
/// fn on_request(path: String);
///
/// call!(on_request(unreachable!("evaluated while it is off")));
///
/// mod codec {
///     #[static_call::static_call]
///     pub fn encoded_len(len: usize) -> usize {
///         len.div_ceil(3) * 4
///     }
/// }
///
/// assert_eq!(call!(codec::encoded_len(10)), 16);
/// ```
#[cfg(feature = "runtime")]
#[macro_export]
macro_rules! call {
    ($($tokens:tt)*) => {
        $crate::__expand_call! { unsafe $crate; $($tokens)* }
    };
}

/// Receives the item from `#[static_call]` and passes it on with this crate's own path.
#[cfg(feature = "runtime")]
#[doc(hidden)]
#[macro_export]
macro_rules! __item {
    ($($tokens:tt)*) => {
        $crate::__expand_item! { unsafe $crate; $($tokens)* }
    };
}
