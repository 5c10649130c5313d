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
    let _ = static_call::batch(|batch| batch.update_all::<StaticCodec, Lz4>());
}
