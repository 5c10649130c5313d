use static_call::static_call;

#[static_call]
fn numbers(n: u32) -> impl Iterator<Item = u32> {
    0..n
}

fn main() {
    let _ = numbers(3).count();
    numbers::update(|n| 1..n).unwrap();
}
