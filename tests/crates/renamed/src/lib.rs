//! A crate that renames `static-call`.
#![deny(warnings)]

use switch::{Instance, call, static_call};

#[static_call(crate = switch)]
pub fn level(n: u8, large: [u64; 3]) -> u8 {
    n + large[0] as u8
}

#[static_call(crate = switch)]
pub fn observe(_n: u8);

#[static_call(crate = switch, select(sse2 => narrow))]
pub fn dispatched(n: u8) -> u8 {
    n
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn narrow(n: u8) -> u8 {
    n
}

pub struct Filter(pub u8);

#[static_call(crate = ::switch)]
impl Filter {
    #[static_call]
    pub fn get(&self) -> u8 {
        self.0
    }
}

#[static_call(crate = switch, handle = Fast)]
pub trait Codec {
    fn get(&self, large: [u64; 3]) -> u8 {
        large[0] as u8
    }
    #[static_call(optional)]
    fn hint(&self) -> Option<u8>;
}

#[derive(Instance)]
#[instance(crate = switch)]
pub struct Two;

impl Codec for Two {
    fn hint(&self) -> Option<u8> {
        Some(2)
    }
}

pub struct Three(pub u8);

static THREE: Three = Three(3);
switch::instance!(THREE: Three);

impl Codec for Three {
    fn get(&self, _: [u64; 3]) -> u8 {
        self.0
    }
}

switch::flag! {
    pub static LOUD = false;
}

#[static_call(crate = switch)]
pub fn choice(n: u8) -> Option<u8>;

pub fn check() {
    assert!(!LOUD.unlikely() && !LOUD.likely() && !LOUD.get());
    assert!(LOUD.enable().is_ok() && LOUD.unlikely());
    let evaluated = |n: u8| if LOUD.get() { n } else { 0 };
    assert_eq!((choice(1), call!(choice(evaluated(1)))), (None, None));
    assert!(choice::update(|n| n.checked_add(1)).is_ok());
    assert_eq!(call!(choice(evaluated(1))), Some(2));
    assert_eq!(level(1, [2; 3]) + call!(level(3, [4; 3])), 10);
    level::update(|n, _| n).unwrap();
    assert_eq!(call!(level(1, [2; 3])), 1);
    Filter::GET.update(|filter| filter.0 + 1).unwrap();
    assert_eq!(Filter(1).get() + call!(Filter::get(&Filter(2))), 5);
    assert_eq!(dispatched(1) + call!(dispatched(2)), 3);
    observe(1);
    assert_eq!((Fast.get([1; 3]), Fast.hint()), (1, None));
    Fast::update::<Two>().unwrap();
    assert_eq!((Fast.get([1; 3]), call!(Fast::hint(&Fast))), (1, Some(2)));
    Fast::update::<Three>().unwrap();
    assert_eq!(Fast.get([1; 3]), 3);
}
