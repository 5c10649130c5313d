use static_call::{call, static_call};

#[static_call]
fn level(n: u8) -> u8 {
    n
}

fn main() {
    level::update(|n| n + 1).unwrap();
    assert_eq!(call!(level(1)), level(1));
}
