use static_call::call;

fn level(n: u8) -> u8 {
    n
}

fn main() {
    let _ = call!(level(1));
}
