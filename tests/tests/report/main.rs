//! What `report()` says of this test's own image.
#![cfg(not(miri))]

mod data;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod functions;
