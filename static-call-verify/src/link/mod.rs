//! The link hook's program: as the other half of a build script it installs itself, as the linker
//! that the compiler driver therefore runs it links.
//!
//! `build_script` → `install` and `driver` (how to hook this driver) → `policy::settings` (a file
//! next to the linker) → `linker`, which parses the command line (`args`), finds the linker that
//! the user chose (`user_linker`), links with a table, stamps the image, and prints a report.

mod args;
#[allow(dead_code, reason = "a part of the linker's program, which the command is not")]
pub(crate) mod build_script;
pub(crate) mod driver;
pub(crate) mod flags;
pub(crate) mod install;
#[cfg(unix)]
pub(crate) mod linker;
pub(crate) mod origin;
pub(crate) mod role;
mod scratch;
mod side_files;
mod user_linker;
