//! The system calls, and nothing else that knows the operating system.

#[cfg(all(target_os = "linux", not(miri)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(miri))))]
#[path = "other.rs"]
mod linux;

pub(crate) use linux::*;
