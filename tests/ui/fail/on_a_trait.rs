use static_call::static_call;

#[static_call]
pub trait Codec {
    fn level(&self) -> u32;
}

impl Codec for u8 {
    fn level(&self) -> u32 {
        3
    }
}

fn main() {
    let _ = 1u8.level();
}
