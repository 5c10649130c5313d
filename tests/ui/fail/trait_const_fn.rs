use static_call::static_call;

#[static_call]
trait Codec {
    const fn level() -> u32 {
        1
    }
    unsafe extern "C" fn print(format: *const i8, _: ...);
}

fn main() {
    let _ = StaticCodec::level();
}
