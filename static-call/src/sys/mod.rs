//! The operating system: its calls, and the sections in which its linker collects statics. No other
//! module depends on the operating system.

pub(crate) mod slices;

#[cfg(all(target_os = "linux", not(miri)))]
mod linux;
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use linux::*;

#[cfg(not(all(target_os = "linux", not(miri))))]
mod other;
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) use other::*;

#[cfg(all(
    feature = "probe",
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
pub(crate) mod probe;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod code_file;
