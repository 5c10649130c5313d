use std::sync::Arc;

use static_call::static_call;

#[static_call]
trait Codec {
    fn finish(self) -> u32;
    fn shared(self: Arc<Self>) -> u32;
    fn boxed(self: Box<Self>) -> u32;
}

struct Lz4;

impl Codec for Lz4 {
    fn finish(self) -> u32 {
        1
    }
    fn shared(self: Arc<Self>) -> u32 {
        1
    }
    fn boxed(self: Box<Self>) -> u32 {
        1
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.finish() + Lz4.finish();
}
