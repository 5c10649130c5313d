use static_call::{call, static_call};

#[static_call]
fn level(n: u8, text: &str) -> usize {
    text.len() + usize::from(n)
}

fn main() {
    let _ = call!(level("1", "a"));
    let _ = call!(level(1));
    let _ = level(1);
    let _: u8 = call!(level(1, "a"));
}
