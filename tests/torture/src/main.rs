//! Threads on all cores, and many more threads than cores, call through static calls of every kind
//! while others update them: `torture [--seconds N] [--seed S]`. The exit code is 0 if no rule was
//! violated.
//!
//! A seed gives every thread the same decisions in the same order; how threads interleave is up to
//! the system.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linux;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn main() {
    println!("torture: code is rewritten only on x86-64 Linux");
}
