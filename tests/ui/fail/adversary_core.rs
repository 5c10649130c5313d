//! A crate can have its own `core`. Generated code that uses its macros is not in an `unsafe`
//! block.
#![forbid(unsafe_code)]

extern crate self as core;

use static_call::static_call;

#[macro_export]
macro_rules! line {
    () => {
        std::num::NonZero::new_unchecked(1_u32).get()
    };
}

#[macro_export]
macro_rules! column {
    () => {
        std::num::NonZero::new_unchecked(2_u32).get()
    };
}

#[static_call]
fn level(n: u8) -> u8 {
    n
}

fn main() {}
