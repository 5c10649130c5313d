use static_call::static_call;

#[static_call]
fn first<const N: usize>(values: [u8; N]) -> u8 {
    values[0]
}

fn main() {
    let _ = first([1, 2]);
    first::update(|v| v[1]).unwrap();
}
