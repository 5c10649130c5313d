//! The assembly text of x86-64, which is part of what the macros expand to.

mod label;
mod trampoline;
