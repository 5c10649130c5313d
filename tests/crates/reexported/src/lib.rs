//! A crate that knows `static-call` only through another crate.
#![deny(warnings)]

use facade::parts::switch::{call, static_call};

#[static_call(crate = facade::parts::switch)]
pub fn level(n: u8, large: [u64; 3]) -> u8 {
    n + large[0] as u8
}

#[facade::all::static_call(crate = facade::all)]
pub fn other(n: u8) -> u8 {
    n
}

#[static_call(crate = crate::own)]
pub fn local(n: u8) -> u8 {
    n
}

pub use facade::parts::switch as own;

pub fn check() {
    assert_eq!(level(1, [2; 3]) + call!(level(3, [4; 3])), 10);
    level::update(|n, _| n).unwrap();
    assert_eq!(call!(level(1, [2; 3])), 1);
    assert_eq!(other(1) + facade::all::call!(other(2)) + local(3), 6);
}
