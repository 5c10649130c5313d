//! A library of edition 2021.
#![deny(warnings)]

mod traits;

pub use traits::{Codec, Second, StaticCodec};

use static_call::{call, static_call};

#[static_call]
pub fn sum(values: &[u32], more: [u64; 4]) -> u64 {
    values.iter().map(|&v| u64::from(v)).sum::<u64>() + more[3]
}

#[static_call(select(avx2 + bmi2 => wide, sse2 => unsafe unpromised, neon => arm))]
pub fn dispatched(values: &[u32]) -> usize {
    values.len()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2")]
fn wide(values: &[u32]) -> usize {
    values.len()
}

#[cfg(target_arch = "x86_64")]
unsafe fn unpromised(values: &[u32]) -> usize {
    values.len()
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn arm(values: &[u32]) -> usize {
    values.len()
}

pub struct Counter(pub u32);

#[static_call]
impl Counter {
    #[static_call]
    pub fn next(&mut self, by: Option<u32>) -> Option<u32> {
        self.0 = self.0.checked_add(by?)?;
        Some(self.0)
    }

    /// # Safety
    ///
    /// 1. None.
    #[static_call]
    pub unsafe fn unchecked(&self, at: *const u32) -> u32 {
        *at + self.0
    }
}

#[static_call]
pub fn observe(_value: &u32);

#[static_call]
fn stop(gen: u32) -> ! {
    panic!("{gen}")
}

static_call::flag! {
    pub static LOUD = false;
}

#[static_call::static_call]
pub fn choice(n: u8) -> Option<u8>;

pub fn check() {
    assert!(!LOUD.unlikely() && !LOUD.likely() && !LOUD.get());
    assert!(LOUD.enable().is_ok() && LOUD.unlikely());
    let evaluated = |n: u8| if LOUD.get() { n } else { 0 };
    assert_eq!((choice(1), call!(choice(evaluated(1)))), (None, None));
    assert!(choice::update(|n| n.checked_add(1)).is_ok());
    assert_eq!(call!(choice(evaluated(1))), Some(2));
    assert_eq!(sum(&[1, 2], [3; 4]) + call!(sum(&[1, 2], [3; 4])), 12);
    assert_eq!(dispatched(&[1, 2]) + call!(dispatched(&[1, 2])), 4);
    let mut counter = Counter(1);
    assert_eq!(counter.next(Some(1)), Some(2));
    assert_eq!(call!(Counter::next(&mut counter, Some(2))), Some(4));
    Counter::NEXT.update(|counter, _| Some(counter.0)).unwrap();
    assert_eq!(counter.next(None), Some(4));
    assert_eq!(unsafe { call!(Counter::unchecked(&counter, &1)) }, 5);
    call!(observe(&1));
    traits::check();
    if counter.0 == 0 {
        call!(stop(1));
    }
}
