use static_call::{Instance, static_call};

#[static_call(type Eror = u8, const LEVELS: u32 = 1, type Item = u8)]
trait Codec: Iterator {
    const NAME: &'static str = "codec";
    fn encode(&self, src: Self::Item) -> u32;
}

#[derive(Instance)]
struct Lz4;

impl Iterator for Lz4 {
    type Item = u8;
    fn next(&mut self) -> Option<u8> {
        None
    }
}

impl Iterator for StaticCodec {
    type Item = u8;
    fn next(&mut self) -> Option<u8> {
        None
    }
}

impl Codec for Lz4 {
    fn encode(&self, src: u8) -> u32 {
        src.into()
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.encode(1);
}
