//! A crate that forbids unsafe code and tries to misuse what `static-call` exports. What is here
//! compiles, and has to do no harm; what must not compile is in `tests/ui/fail/adversary_*.rs`.
#![forbid(unsafe_code)]
#![allow(dead_code)]

// What generated code names may not be this.
extern crate self as core;

pub mod candidates;
pub mod fakes;
pub mod places;

#[macro_export]
macro_rules! line {
    () => {
        compile_error!("generated code asked a macro of another `core`")
    };
}
#[macro_export]
macro_rules! column {
    () => {
        compile_error!("generated code asked a macro of another `core`")
    };
}

pub fn check() {
    fakes::check();
    candidates::check();
    places::check();
}
