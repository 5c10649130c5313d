use static_call::{Instance, call, static_call};

#[static_call]
trait Codec {
    type Error;
    type Iter<'a>;
    const LEVEL: u32;
    const NAME: &'static str = "codec";
    fn encode(&self, src: &[u8]) -> Result<u32, Self::Error>;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    type Error = String;
    type Iter<'a> = &'a u8;
    const LEVEL: u32 = 1;
    fn encode(&self, _: &[u8]) -> Result<u32, String> {
        Ok(1)
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let n: u32 = StaticCodec.encode(b"").unwrap();
    let m = call!(StaticCodec::encode(&StaticCodec, b"")).unwrap();
    println!("{n} {m} {} {}", StaticCodec::LEVEL, StaticCodec::NAME);
}
