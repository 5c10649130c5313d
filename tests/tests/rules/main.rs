//! What updates promise under threads, signals, forks and failures. Tests that change this process
//! run in a child of their own.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod failures;
mod paths;
mod signals;
mod threads;
mod unwind;
