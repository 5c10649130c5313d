//! The command's exit codes.

/// The policy denies a finding.
pub(super) const DENIED: u8 = 1;
/// An image could not be read, a result could not be written, or the command could not be run.
pub(super) const UNREADABLE: u8 = 2;
