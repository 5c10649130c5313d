use static_call::static_call;

trait Named {
    fn name(&self) -> &str;
}

#[static_call]
trait Codec: Named + PartialEq {
    fn level(&self) -> u32;
}

fn main() {
    let _ = StaticCodec::reset();
}
