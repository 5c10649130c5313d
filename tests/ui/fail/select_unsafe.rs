use static_call::static_call;

#[target_feature(enable = "avx2,bmi2")]
fn wide(n: u32) -> u32 {
    n
}

// `unsafe` on the function says nothing about features.
#[static_call(select(avx2 => wide))]
unsafe fn too_few_features(n: u32) -> u32 {
    n
}

#[static_call(select(avx2 + bmi2 => wide))]
fn forced(n: u32) -> u32 {
    n
}

fn main() {
    unsafe { too_few_features(1) };
    let _ = forced::force_wide();
}
