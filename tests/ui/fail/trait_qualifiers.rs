use static_call::{Instance, static_call};

#[static_call]
trait Codec {
    async fn encode(&self) -> u32;
    extern "C" fn foreign(&self) -> u32;
    #[track_caller]
    fn located(&self) -> u32;
    #[static_call]
    fn twice(&self) -> u32;
}

#[derive(Instance)]
struct Lz4;

impl Codec for Lz4 {
    async fn encode(&self) -> u32 {
        1
    }
    extern "C" fn foreign(&self) -> u32 {
        1
    }
    fn located(&self) -> u32 {
        1
    }
    fn twice(&self) -> u32 {
        1
    }
}

fn main() {
    StaticCodec::update::<Lz4>().unwrap();
    let _ = StaticCodec.foreign() + StaticCodec.twice();
}
