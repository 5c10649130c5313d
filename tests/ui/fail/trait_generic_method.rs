use static_call::{Instance, static_call};

#[static_call]
trait Codec {
    fn encode<T: AsRef<[u8]>>(&self, src: T) -> u32;
    fn limited<'a, 'b: 'a>(&self, src: &'b [u8]) -> &'a [u8];
    fn read(&self, src: impl Iterator<Item = u8>) -> u32;
    fn bytes(&self) -> impl Iterator<Item = u8>;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    fn encode<T: AsRef<[u8]>>(&self, _: T) -> u32 {
        1
    }
    fn limited<'a, 'b: 'a>(&self, src: &'b [u8]) -> &'a [u8] {
        src
    }
    fn read(&self, src: impl Iterator<Item = u8>) -> u32 {
        src.count() as u32
    }
    fn bytes(&self) -> impl Iterator<Item = u8> {
        [1].into_iter()
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.encode("a") + StaticCodec.read([1].into_iter());
}
