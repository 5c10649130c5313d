//! A library without `std`, whose own items shadow the prelude.
#![no_std]
#![deny(warnings)]
#![allow(dead_code, missing_docs)]

use static_call::{Instance, call, static_call};

struct Option;
struct Result;
struct Some;
trait Fn {}
trait Copy {}
trait Send {}
trait Clone {}
trait Default {}
trait Sized {}
struct None;
pub struct I;
mod core {}
mod std {}

#[static_call]
pub fn level(n: u8, large: [u64; 3]) -> u8 {
    n + large[0] as u8
}

/// Without `std`, the compile-time target features choose.
#[static_call(select(avx512bw => wide, sse2 => narrow, neon => arm))]
pub fn dispatched(n: u8) -> u8 {
    n
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw")]
fn wide(n: u8) -> u8 {
    n + 1
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn narrow(n: u8) -> u8 {
    n + 1
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn arm(n: u8) -> u8 {
    n + 1
}

pub struct Filter(pub u8);

#[static_call]
impl Filter {
    #[static_call]
    pub fn get(&self) -> u8 {
        self.0
    }
}

#[static_call]
pub fn observe(_n: u8);

#[static_call]
pub trait Codec {
    fn get(&self, large: [u64; 3]) -> u8 {
        large[0] as u8
    }
    fn level() -> u8;
    #[static_call(optional)]
    fn observe(&self, _n: u8);
    #[static_call(optional)]
    fn hint(_n: u8) -> ::core::option::Option<u8>;
    #[doc(hidden)]
    fn unit(&self, _: &I) {}
}

#[derive(Instance)]
pub struct Two;

impl Codec for Two {
    fn get(&self, _: [u64; 3]) -> u8 {
        2
    }
    fn level() -> u8 {
        2
    }
}

#[inline]
pub fn through_a_handle(n: u64) -> u8 {
    StaticCodec.get([n; 3])
}

/// Static calls that a downstream crate instantiates.
#[inline]
pub fn inlined(n: u8) -> u8 {
    call!(level(n, [1; 3])) + level(n, [1; 3])
}

pub fn generic<T: Into<u8>>(n: T) -> u8 {
    call!(level(n.into(), [2; 3]))
}

static_call::flag! {
    pub static LOUD = false;
}

#[static_call::static_call]
pub fn choice(n: u8) -> ::core::option::Option<u8>;

pub fn check() {
    assert!(!LOUD.unlikely() && !LOUD.likely() && !LOUD.get());
    assert!(LOUD.enable().is_ok() && LOUD.unlikely());
    let evaluated = |n: u8| if LOUD.get() { n } else { 0 };
    assert!(choice(1).is_none() && call!(choice(evaluated(1))).is_none());
    assert!(choice::update(|n| n.checked_add(1)).is_ok());
    assert_eq!(call!(choice(evaluated(1))), 1_u8.checked_add(1));
    assert_eq!(dispatched(1) + call!(dispatched(2)), 5);
    assert_eq!(level(1, [2; 3]) + call!(level(3, [4; 3])), 10);
    assert!(level::update(|n, _| n).is_ok());
    assert_eq!(level(1, [2; 3]) + call!(level(3, [4; 3])), 4);
    assert!(level::reset().is_ok());
    assert_eq!(Filter(1).get() + call!(Filter::get(&Filter(2))), 3);
    call!(observe(1));
    assert_eq!(StaticCodec.get([3; 3]), 3);
    assert!(StaticCodec::update::<Two>().is_ok());
    assert_eq!(StaticCodec.get([3; 3]) + call!(StaticCodec::level()), 4);
    StaticCodec.observe(1);
    assert!(StaticCodec::hint(1).is_none());
    assert!(StaticCodec::reset().is_ok());
}
