use static_call::static_call;

#[static_call]
fn print(_: *const u8, _: ...) {}

fn main() {}
