//! Function calls whose target can be changed while the program runs, at the price of a direct
//! call.
//!
//! A call of a `#[static_call]` function is a `call rel32` of the machine. [`Key::update`], or
//! `update` on the type beside the function, rewrites these instructions while other threads
//! execute them, so that they call another function directly: no pointer is loaded, no branch is
//! taken, no thread is stopped.
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
//! println!("{}", static_call::report());           // every site: its path, and why
//! # Ok::<(), static_call::UpdateError>(())
//! ```
//!
//! Instructions are rewritten on x86-64 Linux, in programs whose build script calls
//! `static_call_verify::enable()`, and only where the instruction allows it safely; every other call goes
//! through its trampoline, or through an atomic pointer, with the same interface. [`report`] tells
//! which and why. What is promised and what it rests on: [`safety`].
//!
//! The [guide] has a page for each task, from the first program to deploying it.
//!
//! # Features
//!
//! `std` (default): [`report`], the environment variable `STATIC_CALL=inline|retarget|trampoline|indirect`
//! that caps the path, handlers around `fork`, and the processor at hand as what `select` chooses by.
//! Without it the crate is `no_std` and needs no allocator.
//!
//! `serde`: `serde::Serialize` for a [`Report`] and its parts. Kinds, grades and paths are words (`jmp`,
//! `quad`, `inline`), reasons are the phrases of the text.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

#[doc(hidden)]
pub mod arch;
#[cfg(feature = "std")]
mod batch;
mod commit;
mod cycle;
mod error;
#[cfg(feature = "probe")]
mod experiment;
mod flag;
#[cfg(any(doc, doctest))]
pub mod guide;
mod handle;
mod instance;
mod key;
#[doc(hidden)]
pub mod layout;
mod lock;
mod observer;
mod path;
mod previous;
mod private;
#[cfg(feature = "probe")]
pub mod probe;
mod record;
#[cfg(feature = "std")]
mod report;
mod request;
#[cfg(doc)]
#[doc = include_str!("../SAFETY.md")]
pub mod safety {}
#[cfg(feature = "std")]
mod scoped;
mod site;
mod sys;
mod target;
pub mod traits;
mod update;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
mod patching;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
mod slot;

// What carries updates: the one choice by what the program is compiled for.
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
use patching as backend;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
use slot as backend;

/// What generated code names. Not for use by hand: no part of it is covered by semver.
#[doc(hidden)]
pub mod __private {
    pub use crate::private::*;
}

#[cfg(feature = "std")]
pub use batch::{Batch, batch};
pub use commit::{init, seal, unbind};
pub use error::UpdateError;
pub use flag::Flag;
pub use instance::Instance;
pub use key::Key;
pub use layout::{Grade, Kind};
pub use observer::{Change, Observer, generation};
pub use path::{Path, Reason};
pub use previous::Previous;
#[cfg(feature = "std")]
pub use report::{CallReport, KeyReport, Problem, Report, SiteReport, Totals};
#[cfg(feature = "std")]
pub use scoped::{Scoped, scoped};
/// Makes a function switchable while the program runs.
///
/// Beside the function stands an empty enum of the same name, whose functions switch it:
///
/// | | |
/// |---|---|
/// | `checksum::update(target)` | calls reach `target`: a function, or a closure that captures nothing |
/// | `checksum::scoped(target)?` | the same for as long as the guard lives, for tests: a [`Scoped`] |
/// | `checksum::query()` | what calls reach now: a [`Target`] |
/// | `checksum::reset()` | calls reach the body again |
/// | `checksum::original(..)` | the body itself |
/// | `checksum::KEY` | the key, a value: a [`Key`] |
///
/// A function **without a body** is a *hook*: off until a target is set, and off again after `disable()`,
/// which is the same as `reset()`. It returns nothing, or an `Option`, which is `None` while it is off.
/// [`call!`] does not evaluate the arguments of a hook that is off; the plain call does.
///
/// ```
/// use static_call::{call, static_call};
///
/// #[static_call]
/// fn on_request(path: &str);
///
/// #[static_call]
/// fn limit(path: &str) -> Option<usize>;
///
/// call!(on_request(&format!("/{}", 1))); // off: nothing is formatted
/// assert_eq!(limit("/"), None);
/// on_request::update(|path| println!("{path}"))?;
/// limit::update(|path| Some(path.len()))?;
/// call!(on_request("/index"));
/// assert_eq!(call!(limit("/index")), Some(6));
/// on_request::disable()?;
/// # Ok::<(), static_call::UpdateError>(())
/// ```
///
/// A boolean that is asked often and changed rarely is a [`flag!`].
///
/// For **methods** and other associated functions the attribute stands on the `impl` block and on each
/// of them. The key is a constant of the type, and the body is `original_` and the name:
///
/// ```
/// use static_call::{call, static_call};
///
/// struct Filter(usize);
///
/// #[static_call]
/// impl Filter {
///     #[static_call]
///     fn matches(&self, line: &str) -> bool {
///         line.len() == self.0
///     }
/// }
///
/// let filter = Filter(3);
/// Filter::MATCHES.update(|filter, line| !filter.original_matches(line))?;
/// assert!(!filter.matches("abc"));
/// assert!(call!(Filter::matches(&filter, "abcd")));
/// # Ok::<(), static_call::UpdateError>(())
/// ```
///
/// # Traits
///
/// On a **trait** the attribute makes a handle: a type without data, `StaticCodec` for `Codec`, that
/// implements the trait. Each of its methods is a static call, so code that is generic over the trait takes the
/// handle unchanged. The trait itself stays as it is written.
///
/// ```
/// use static_call::{Instance, call, static_call};
///
/// #[static_call]
/// pub trait Codec {
///     fn encode(&self, src: &[u8], dst: &mut Vec<u8>) -> usize;
///     fn level() -> u32 {
///         3
///     }
/// }
///
/// #[derive(Instance)]
/// struct Plain;
///
/// impl Codec for Plain {
///     fn encode(&self, src: &[u8], dst: &mut Vec<u8>) -> usize {
///         dst.extend(src);
///         src.len()
///     }
/// }
///
/// fn pack(codec: &impl Codec) -> usize {
///     codec.encode(b"abc", &mut Vec::new())
/// }
///
/// StaticCodec::update::<Plain>()?;
/// assert_eq!(pack(&StaticCodec), 3);
/// assert_eq!(StaticCodec::level(), 3);
/// assert_eq!(call!(StaticCodec::encode(&StaticCodec, b"ab", &mut vec![])), 2);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
///
/// | | |
/// |---|---|
/// | `StaticCodec::update::<Impl>()` | every method calls that of `Impl`: one batch |
/// | `StaticCodec::scoped::<Impl>()?` | the same for as long as the guard lives: a [`Scoped`] |
/// | `StaticCodec::reset()` | every method does again what it did at first |
/// | `StaticCodec::query()` | the methods' names, and what each calls now |
/// | `StaticCodec::seal()` | what they call is final |
///
/// **Receivers.** A method with `&self` runs with the [`Instance`](trait@Instance) of its implementation. Function and
/// instance are switched in one store: no method ever runs with the instance of another implementation.
///
/// **Several methods** are switched one after another. While an update runs, other threads can call one method
/// of the implementation before and then another of the new one, so a pair of calls that belong together (a
/// beginning and an end) can be split over two implementations. If the trait promises something about
/// such pairs on which safety rests, make it an `unsafe trait`: then `update` and `reset` are `unsafe`
/// and batches do not take the handle.
///
/// **Before the first update** and after `reset` a method calls that of `default = Impl` if the attribute says
/// so, else it runs the default body of the trait (with the handle as `Self`, so that its own calls are static calls, too),
/// else it panics and names itself: "`StaticCodec::encode` was called before `StaticCodec::update`". A method
/// without a body under `#[static_call(optional)]` that returns nothing or an `Option` does nothing
/// until it is set; implementations may leave it out.
///
/// **Associated types and constants** of the handle stand in the attribute, except for constants with a
/// value in the trait: `#[static_call(type Error = io::Error, const LEVEL: u32 = 3)]`. An
/// implementation has to have the same types; constants are those of the handle, whatever is set.
/// Supertraits are implemented for the handle by hand, or with `derive(PartialEq, ..)` in the attribute.
///
/// **Left out** are methods with `where Self: Sized`: the handle has their default bodies. All others have to be
/// functions that a static call can be, with `&self` or no receiver, and without `Self` as a type.
///
/// Where the trait has a function of the name `update`, `scoped`, `reset`, `query` or `seal`, it is called as
/// `<StaticCodec as Codec>::update(..)`.
///
#[doc = include_str!("select.md")]
///
/// # Options
///
/// - `#[static_call(keys = Name)]` names the enum, or the constant of a method, where the usual name is
///   taken. `call!` goes by the enum: `call!(Name(arguments))`.
/// - `#[static_call(handle = Name)]` names the handle of a trait; `default`, `type`, `const` and `derive`
///   stand above.
/// - `#[static_call(select(avx2 => path))]` chooses the default by the features of the processor: see above.
/// - `#[static_call(update = visibility)]` says who may switch, where that is not everybody who may call. The
///   right to switch a trait's handle in a batch is then a type of its own: `StaticCodecKeys`.
/// - `#[static_call(crate = path::to)]` says where this crate is, if not at `::static_call`.
///
/// # What cannot be switched
///
/// A static call has one signature and one address, so there are no generic parameters except
/// lifetimes without bounds, and no `async`, `const`, variadic or `extern` functions; neither are there
/// wide vectors by value. `#[track_caller]`, `#[target_feature]` and names for the linker are refused. A
/// lifetime of the return type has to stand in an argument. An attribute on an associated function
/// whose `impl` block has none is an error.
pub use static_call_macros::static_call;
#[doc(hidden)]
pub use static_call_macros::{call as __expand_call, item as __expand_item};
pub use target::Target;
pub use update::{Barrier, Update};

/// Looks at every key, site and call instruction. Changes nothing: what is not bound stays so.
///
/// In a signal handler that interrupted an update there is no moment between two updates to look
/// at: the report then has a problem that says so, and no keys.
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

/// Makes a static call as a site of its own: with its own trampoline, file, line and column.
///
/// The argument is an ordinary call of a `#[static_call]` function or method by its path. It means the
/// same as that call; the report tells it apart, and its trampoline is local to the calling
/// function, so that the compiler emits a direct, aligned call where a plain call of a `pub` key
/// inside its own library may go through the global offset table.
///
/// In `a::b(..)` the name before the last is a type if it is `Self` or begins with a capital letter, and a
/// module otherwise. For a type whose name looks like a module's write `<a>::b(..)`. A method's receiver
/// is its first argument: `call!(Filter::matches(&filter, line))`.
///
/// Of a hook, a function without a body, the arguments are evaluated only while it is on. Where code
/// is patched, one that is off costs a five-byte no-op: testing, arguments and call stand out
/// of the way. `return`, `?`, `break` and `continue` in an argument act as in any call.
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
#[macro_export]
macro_rules! call {
    ($($tokens:tt)*) => {
        $crate::__expand_call! { unsafe $crate; $($tokens)* }
    };
}

/// What `#[static_call]` hands its item to: passes it on with this crate's own path.
#[doc(hidden)]
#[macro_export]
macro_rules! __item {
    ($($tokens:tt)*) => {
        $crate::__expand_item! { unsafe $crate; $($tokens)* }
    };
}
