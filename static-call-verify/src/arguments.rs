//! What a build script tells the linker's program (`hook` → `link::build_script`):
//! [`BUILD_SCRIPT`], then pairs of a setting and its value. A level is a setting whose value is a
//! finding.

/// The first argument, which says that a build script runs the program.
pub(crate) const BUILD_SCRIPT: &str = "--static-call-build-script";
/// The id of the process that runs the build script.
pub(crate) const CARGO: &str = "cargo";
/// The directory of reports.
pub(crate) const REPORT: &str = "report";
/// Whether calls lead to their defaults in the file: `true` or `false`.
pub(crate) const BIND: &str = "bind";
/// Whether images get the names of functions: `true` or `false`.
pub(crate) const NAMES: &str = "names";
/// Whether a link that cannot be hooked fails: `true` or `false`.
pub(crate) const STRICT: &str = "strict";
