//! The linker that build scripts install: this package's own build script (`src/linker.rs`).

use super::install::Program;

/// In the library itself: a path would be wrong where the target directory is moved, or cleaned in
/// part.
pub(crate) const LINKER: Program =
    Program::Bytes(include_bytes!(concat!(env!("OUT_DIR"), "/linker")));
