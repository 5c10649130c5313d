//! A crate that knows `static-call` by another name.
#![deny(warnings)]

use switch::{call, static_call};

#[static_call(crate = switch)]
pub fn level(n: u8, large: [u64; 3]) -> u8 {
    n + large[0] as u8
}

#[static_call(crate = switch)]
pub fn observe(_n: u8);

pub struct Filter(pub u8);

#[static_call(crate = ::switch)]
impl Filter {
    #[static_call]
    pub fn get(&self) -> u8 {
        self.0
    }
}

pub fn check() {
    assert_eq!(level(1, [2; 3]) + call!(level(3, [4; 3])), 10);
    level::update(|n, _| n).unwrap();
    assert_eq!(call!(level(1, [2; 3])), 1);
    Filter::GET.update(|filter| filter.0 + 1).unwrap();
    assert_eq!(Filter(1).get() + call!(Filter::get(&Filter(2))), 5);
    observe(1);
}
