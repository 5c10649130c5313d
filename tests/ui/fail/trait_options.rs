use static_call::{Instance, static_call};

#[static_call(keys = Codecs, handle = Fast)]
trait Codec {
    fn level(&self) -> u32;
}

#[static_call(update = private)]
trait Other {
    fn level(&self) -> u32;
}

#[static_call]
trait Empty {
    fn each(&self)
    where
        Self: Sized,
    {
    }
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    fn level(&self) -> u32 {
        1
    }
}

fn main() {
    Fast::update::<Lz4>().unwrap();
    let _ = Fast.level() + StaticOther.level();
    StaticEmpty.each();
}
