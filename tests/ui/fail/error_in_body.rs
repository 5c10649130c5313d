use static_call::static_call;

#[static_call]
fn body(n: u8) -> u8 {
    n + n as u16
}

fn main() {}
