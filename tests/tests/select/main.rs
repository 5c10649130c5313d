//! Defaults that are chosen by the features of the processor.

mod choice;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod code;
mod shapes;
