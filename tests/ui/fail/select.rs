use static_call::static_call;

#[static_call(select(avx3 => wide))]
fn unknown() {}

#[static_call(select(sse42 + hyperdrive => wide))]
fn two_unknown() {}

#[static_call(select())]
fn empty() {}

#[static_call(select)]
fn nothing() {}

#[static_call(select(avx2 => wide))]
fn no_body();

#[static_call(select(avx2 + bmi2 => wide, bmi2 + avx2 => other))]
fn twice() {}

#[static_call(select(sse2 => other, avx2 => wide))]
fn never_chosen() {}

#[static_call(select(avx2 => wide, popcnt => crate::wide))]
fn one_name() {}

#[static_call(select(avx2 + neon => wide))]
fn two_architectures() {}

#[static_call(select(avx2 => wide()))]
fn called() {}

#[static_call(select(avx2, wide))]
fn no_arrow() {}

#[static_call(select(8 => wide))]
fn no_feature() {}

#[static_call(select(#[inline] avx2 => wide))]
fn attribute() {}

struct Filter;

#[static_call(select(avx2 => wide))]
impl Filter {
    #[static_call]
    fn matches(&self) {}
}

#[static_call]
impl Filter {
    #[static_call(select(avx2 => wide, popcnt => crate::wide))]
    fn find() {}
}

#[target_feature(enable = "avx2")]
fn wide() {}

fn other() {}

fn main() {
    // A rejected function can be named without more errors.
    let _ = unsafe { one_name::force_wide() };
    let _ = unsafe { Filter::force_find_wide() };
    unknown();
    let _ = twice::update(|| {});
}
