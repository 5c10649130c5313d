//! Machine encodings, one file per architecture. Pure functions of bytes and addresses, but for
//! `store` (the loads and stores themselves), `translations` (what valgrind is told of them) and
//! `symbols` (what the linker defines).

pub mod effect;
#[cfg(feature = "probe")]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri))),
    allow(dead_code, reason = "code that only x86-64 runs, in memory that only Linux gives")
)]
pub(crate) mod probe;
pub mod x86_64;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod store;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod symbols;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
pub(crate) mod translations;
