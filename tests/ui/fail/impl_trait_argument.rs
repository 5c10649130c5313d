use static_call::static_call;

#[static_call]
fn sum(values: impl Iterator<Item = u32>) -> u32 {
    values.sum()
}

fn main() {
    let _ = sum([1, 2].into_iter());
    sum::update(|values| values.count()).unwrap();
}
