use static_call::{Instance, static_call};

#[static_call]
trait Codec {
    fn same(&self, other: &Self) -> bool;
    fn all(&self, others: &[Option<Self>]) -> bool
    where
        Self: Sized;
    fn another(&self) -> Self;
    fn maybe(&self) -> Option<Box<Self>>;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    fn same(&self, _: &Self) -> bool {
        true
    }
    fn all(&self, _: &[Option<Self>]) -> bool {
        true
    }
    fn another(&self) -> Self {
        Self
    }
    fn maybe(&self) -> Option<Box<Self>> {
        None
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.same(&StaticCodec) && StaticCodec.another().same(&StaticCodec);
}
