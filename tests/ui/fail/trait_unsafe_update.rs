use static_call::{Instance, static_call};

#[static_call]
unsafe trait Codec {
    fn level(&self) -> u32;
}

#[derive(Instance)]
struct Lz4;

unsafe impl Codec for Lz4 {
    fn level(&self) -> u32 {
        1
    }
}

fn main() {
    let _ = StaticCodec::update::<Lz4>();
    let _ = StaticCodec::reset();
}
