//! A crate that forbids unsafe code and tries to misuse what `static-call` exports. This code
//! compiles and must do no harm. What must not compile is in `tests/ui/fail/adversary_*.rs`.
#![forbid(unsafe_code)]
#![allow(dead_code)]

pub mod candidates;
pub mod fakes;
pub mod places;

pub fn check() {
    fakes::check();
    candidates::check();
    places::check();
}
