//! Slices whose elements are statics all over the program: the linker puts them side by side, in a
//! section of their own.
//!
//! The crate `linkme` does this for any type and on many systems. But it exports a macro for each
//! slice that puts any static into any section, with no `unsafe` from its caller: code in
//! `.init_array`, a record of a key with any bytes. So on Linux the slices are made here, where the
//! one exported macro decides section and type; elsewhere they are linkme's.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Collected, collected};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::collected;
