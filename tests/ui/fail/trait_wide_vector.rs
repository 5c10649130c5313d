use std::arch::x86_64::__m256i;

use static_call::static_call;

#[static_call]
trait Codec {
    fn encode(src: __m256i) -> u32;
    fn decode(src: u32) -> __m256i;
}

fn main() {
    let _ = StaticCodec::decode(1);
}
