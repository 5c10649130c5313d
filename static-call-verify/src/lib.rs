//! Finds every call instruction of static-call in a linked ELF image, proves which of them can
//! be rewritten while the program runs, and records them in a table inside the image.
//!
//! The library only reads and writes bytes in memory: no I/O, no `unsafe`, and no panics on any
//! input. Only the link hook, [`LinkHook`], touches files and runs programs.
//! The library is built in phases, each of which reads the results of the earlier ones:
//! image → records → candidates → extents → decode → grade → (GOT, table) → report.
//!
//! ```no_run
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

mod atomic_file;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod compiled;
mod demangle;
mod elf;
mod findings;
mod grade;
mod lines;
mod link;
mod policy;
mod records;
pub mod render;
pub mod report;
mod search;
mod stamp;
mod table;
mod threads;
mod verify;

pub use link::{LinkHook, enable};
pub use policy::{FindingKey, Level, Policy, UnknownName};
pub use report::Report;
pub use stamp::{Stamped, stamp};
pub use table::inputs::InputCounter;
pub use table::object::table_object;
pub use verify::verify;
