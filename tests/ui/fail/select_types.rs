#![forbid(unsafe_code)]

use static_call::static_call;

#[target_feature(enable = "avx2,bmi2")]
fn wide(n: u32) -> u32 {
    n
}

#[static_call(select(avx2 => wide))]
fn too_few_features(n: u32) -> u32 {
    n
}

#[static_call(select(avx2 + bmi2 => wide))]
fn other_argument(n: u64) -> u32 {
    n as u32
}

#[static_call(select(avx2 + bmi2 => wide))]
fn other_result(n: u32) -> u64 {
    n.into()
}

#[static_call(select(avx2 + bmi2 => nowhere))]
fn unresolved(n: u32) -> u32 {
    n
}

#[static_call(select(avx2 => unsafe char::from_u32_unchecked))]
fn forbidden(n: u32) -> char {
    char::from_u32(n).unwrap()
}

#[static_call(select(avx2 => char::from_u32_unchecked))]
fn without_unsafe(n: u32) -> char {
    char::from_u32(n).unwrap()
}

fn main() {
    too_few_features(1);
    forbidden(1);
    let _ = other_argument::force_wide();
}
