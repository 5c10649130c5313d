//! Defaults chosen by the processor's features.

mod choice;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod code;
mod shapes;
