//! What updates guarantee with threads, signals, forks and failures. Tests that change the process
//! run in a child.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod failures;
mod foreign;
mod paths;
mod signals;
mod threads;
mod unwind;
