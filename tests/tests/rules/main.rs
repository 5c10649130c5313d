//! What updates guarantee with threads, signals, forks and failures. Tests that change the process
//! run in a child.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod aliased;
mod batches;
mod copies;
mod failures;
mod foreign;
mod paths;
mod signals;
mod threads;
mod unwind;

use static_call_tests as lib;

const X: u64 = 1 << 42;

fn add_seven(x: u64) -> u64 {
    x + 7
}

fn add_eight(x: u64) -> u64 {
    x + 8
}

fn check(target: fn(u64) -> u64) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X));
}
