use static_call::static_call;

#[static_call]
fn body(n: u8) -> u8 {
    let _ = n;
    "a"
}

fn main() {}
