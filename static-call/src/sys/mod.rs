//! The system calls, and nothing else that knows the operating system.

#[cfg(all(target_os = "linux", not(miri)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(miri))))]
#[path = "other.rs"]
mod linux;

pub(crate) use linux::*;

#[cfg(all(
    feature = "probe",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
pub(crate) mod probe;
