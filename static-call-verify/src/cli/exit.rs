//! The exit codes of the command.

/// Something was found that the policy denies.
pub(super) const DENIED: u8 = 1;
/// An image could not be read, a result not be written, or the command not be run.
pub(super) const UNREADABLE: u8 = 2;
