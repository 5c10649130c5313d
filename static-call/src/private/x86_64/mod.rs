//! The assembly text of x86-64, which is part of the macros' output.

mod label;
mod trampoline;
