use static_call::{Instance, static_call};

#[static_call]
trait Codec<T> {
    fn encode(&self, src: T) -> u32;
}

#[static_call]
trait Reader<'a> {
    fn read(&self, src: &'a str) -> u32;
}

#[derive(Instance)]
struct Lz4;

impl Codec<u8> for Lz4 {
    fn encode(&self, src: u8) -> u32 {
        src.into()
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.encode(1) + StaticReader.read("");
}
