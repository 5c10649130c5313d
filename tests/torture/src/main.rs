//! Threads on all cores, and many more threads than cores, call through static calls of every kind
//! while others update them: `torture [--seconds N] [--seed S]`. The exit code is 0 if no rule was
//! violated.
//!
//! A seed gives every thread the same decisions in the same order; how threads interleave is up to
//! the system.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod account;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod callers;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod keys;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod options;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod pages;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod process;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod random;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod registers;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod run;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod signals;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod sites;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod updaters;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn main() {
    println!("torture: code is rewritten only on x86-64 Linux");
}
