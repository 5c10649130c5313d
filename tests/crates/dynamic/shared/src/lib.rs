//! The library as a shared object, with its own key.

pub use engine;
use static_call::{call, static_call};

#[static_call]
pub fn own(n: u32) -> u32 {
    n
}

pub fn through(n: u32) -> u32 {
    own(n) + call!(own(n)) + engine::step(n)
}
