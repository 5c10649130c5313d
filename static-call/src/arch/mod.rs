//! Machine encodings, with a directory for each architecture whose code is patched. Everything is a
//! pure function of bytes and addresses, except `store` (the loads and stores themselves),
//! `translations` (which tells valgrind about them) and `symbols` (which the linker defines).
//!
//! There is no `aarch64` directory, because the slot carries every update there and nothing is
//! encoded. Add one with the first instruction that is found or stored.

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
