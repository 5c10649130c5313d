use static_call::static_call;

#[static_call]
const fn double(n: u32) -> u32 {
    2 * n
}

const FOUR: u32 = double(2);

fn main() {
    let _ = FOUR;
    double::update(|n| n + n).unwrap();
}
