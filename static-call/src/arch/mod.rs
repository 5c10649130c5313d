//! Machine encodings, a directory for each architecture whose code is patched. Pure functions of
//! bytes and addresses, but for `store` (the loads and stores themselves), `translations` (what
//! valgrind is told of them) and `symbols` (what the linker defines).
//!
//! There is no `aarch64`: the slot carries every update there, so that there is nothing to encode.
//! The directory comes with the first instruction that is found or stored.

pub mod x86_64;

#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
mod plain;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
pub(crate) use plain::lock_record;

/// The architecture whose code is patched.
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
pub(crate) use x86_64 as native;
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
))]
pub(crate) use x86_64::symbols::lock_record;
