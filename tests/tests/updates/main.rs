//! Updates: batches, observers, and targets that become one instruction. Tests that change more
//! than their own keys run in a child.

mod batch;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod constants;
mod observers;
