//! The linker that build scripts install: this package's own build script (`src/linker.rs`).

use super::install::Program;

/// Part of the library itself: a path would be wrong if the target directory is moved or partly
/// cleaned.
pub(crate) const LINKER: Program =
    Program::Bytes(include_bytes!(concat!(env!("OUT_DIR"), "/linker")));
