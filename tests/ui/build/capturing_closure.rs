use static_call::static_call;

#[static_call]
fn level(n: u8) -> u8 {
    n
}

fn main() {
    let add = std::env::args().count() as u8;
    level::update(move |n| n + add).unwrap();
}
