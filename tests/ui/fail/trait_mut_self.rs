use static_call::{Instance, call, static_call};

#[static_call]
trait Codec {
    fn push(&mut self, byte: u8) -> u32;
    fn level(&self) -> u32;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    fn push(&mut self, byte: u8) -> u32 {
        byte.into()
    }
    fn level(&self) -> u32 {
        1
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.push(1) + StaticCodec.level() + call!(StaticCodec::level(&StaticCodec));
    for (name, target) in StaticCodec::query() {
        println!("{name}: {}", target.name());
    }
    static_call::batch(|batch| batch.update_all::<StaticCodec, Lz4>()).unwrap();
}
