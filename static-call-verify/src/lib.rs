//! Finds every call instruction of static-call in a linked ELF image, proves which of them can
//! be rewritten while the program runs, and records them in a table inside the image.
//!
//! By default this crate has only the link hook, for build scripts: [`enable`] and [`LinkHook`].
//! The verifier is then in the program that the hook installs, and nowhere else.
//!
//! # Features
//!
//! None is on by default, because a build dependency must compile fast.
//!
//! - `lines`: the link hook names the source lines of all calls, in what it prints and in its
//!   reports. This takes a reader of debug information, and decompression. Without it, the hook
//!   names the line of a `call!`; of other calls, the function around them.
//! - `library`: `verify`, `stamp`, `Report` and more, for programs that verify images themselves.
//!   Includes `lines`.
//! - `cli`: the command `cargo static-call`. Includes `library`.
//!
//! # The library
//!
//! It only reads and writes bytes in memory: no I/O, no `unsafe`, and no panics on any input. Only
//! the link hook touches files and runs programs. It is built in phases, each of which reads the
//! results of the earlier ones:
//! image → records → candidates → extents → decode → grade → (GOT, table) → report.
//!
#![cfg_attr(feature = "library", doc = "```no_run")]
#![cfg_attr(not(feature = "library"), doc = "```ignore")]
//! let image = std::fs::read("target/release/app")?;
//! let report = static_call_verify::verify(&image, &static_call_verify::Policy::default());
//! println!("{report}");
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "modules of the linker, which the command and src/linker.rs use")
)]

mod arguments;
mod atomic_file;
#[cfg(feature = "library")]
mod bind;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "library")]
mod compiled;
#[cfg(feature = "library")]
mod demangle;
#[cfg(feature = "library")]
mod elf;
#[cfg(feature = "library")]
mod findings;
#[cfg(feature = "library")]
mod grade;
mod hook;
#[cfg(feature = "library")]
mod lines;
#[cfg(feature = "library")]
mod link;
#[cfg(feature = "library")]
mod policy;
mod process;
#[cfg(feature = "library")]
mod records;
#[cfg(feature = "library")]
pub mod render;
#[cfg(feature = "library")]
pub mod report;
#[cfg(feature = "library")]
mod search;
#[cfg(feature = "library")]
mod sort;
#[cfg(feature = "library")]
mod stamp;
#[cfg(feature = "library")]
mod table;
#[cfg(feature = "library")]
mod threads;
#[cfg(feature = "library")]
mod verify;

pub use hook::{LinkHook, enable};
#[cfg(feature = "library")]
pub use policy::{FindingKey, Level, Policy, UnknownName};
#[cfg(feature = "library")]
pub use report::Report;
#[cfg(feature = "library")]
pub use stamp::{Stamped, stamp};
#[cfg(feature = "library")]
pub use table::inputs::InputCounter;
#[cfg(feature = "library")]
pub use table::object::table_object;
#[cfg(feature = "library")]
pub use verify::verify;
