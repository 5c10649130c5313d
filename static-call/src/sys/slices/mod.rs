//! Slices whose elements are statics anywhere in the program: the linker places them side by side
//! in a section of their own.
//!
//! The crate `linkme` does this for any type and on many systems. But for each slice it exports a
//! macro that puts any static into any section without `unsafe` from its caller: code in
//! `.init_array`, or a key record with any bytes. So on Linux the slices are made here, and the one
//! exported macro decides section and type; other systems use `linkme`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Collected, collected};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::collected;
