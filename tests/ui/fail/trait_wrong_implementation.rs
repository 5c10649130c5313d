use static_call::{Instance, static_call};

#[static_call(type Error = u8)]
trait Codec {
    type Error;
    fn encode(&self) -> Result<u32, Self::Error>;
}

struct Nothing;

#[derive(Instance)]
struct OtherError;

impl Codec for OtherError {
    type Error = u16;
    fn encode(&self) -> Result<u32, u16> {
        Ok(1)
    }
}

struct NoInstance;

impl Codec for NoInstance {
    type Error = u8;
    fn encode(&self) -> Result<u32, u8> {
        Ok(1)
    }
}

fn main() {
    let _ = StaticCodec::update::<Nothing>();
    let _ = StaticCodec::update::<OtherError>();
    let _ = StaticCodec::update::<NoInstance>();
}
