use std::arch::x86_64::{__m256i, __m512};

use static_call::static_call;

#[static_call]
fn take(v: __m256i) -> u8 {
    let _ = v;
    0
}

#[static_call]
fn give(v: &[f32]) -> __m512 {
    let _ = v;
    loop {}
}

fn main() {}
