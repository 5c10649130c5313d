//! The process around this one.

/// Returns the id of the process that started this one; 0 where that cannot be known.
#[cfg(unix)]
pub(crate) fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
pub(crate) fn parent() -> u32 {
    0
}
