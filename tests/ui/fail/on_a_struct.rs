use static_call::static_call;

#[static_call]
pub struct Filter(u8);

#[static_call]
pub const X: u8 = 1;

fn main() {
    let _ = Filter(X).0;
}
