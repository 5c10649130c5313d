//! The macros that hold what is the same in every key make no key, and open no site, for a crate
//! that forbids unsafe code.
#![forbid(unsafe_code)]

use static_call::__private::{Accept, KeyRecord, Site};
use static_call::{Key, static_call};

#[static_call]
fn level(n: u8) -> u8 {
    n
}

enum Own {}

static_call::__key! {
    unsafe Own WITHOUT_UNSAFE = [KeyRecord::new(description)] of description
    [] []
    __default [level] []
    (3 "Own" "fn Own(n: u8) -> u8" (1, 1); [0])
    [] (n: u8) -> [u8]
    {} { n } (n)
    F [Accept<F> for Own] [Fn(u8) -> u8 + Copy + Send + Sync + 'static] [Fn(u8) -> u8]
    [fn(u8) -> u8] [main as fn()]
}

impl Own {
    static_call::__functions! {
        Own = [Key::new()] [] [] update scoped
        F [Fn(u8) -> u8 + Copy + Send + Sync + 'static] [] [fn(u8) -> u8]
    }

    static_call::__call_at! {
        Own pub [] [] [] __call_at __off site [] F
        (u8) -> [u8] [u8]
        (n: u8) { let site = Site::call(site); } (n)
    }
}

fn main() {}
