use static_call::{Instance, static_call};

#[static_call]
trait Codec {
    fn level(&self) -> u32;
    fn each<T>(&self, values: &[T]) -> u32
    where
        Self: Sized;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    fn level(&self) -> u32 {
        1
    }
    fn each<T>(&self, values: &[T]) -> u32 {
        values.len() as u32
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.each(&[1]) + Lz4.each(&[1]);
}
