//! Items of `__private` that switch, call or make a record need `unsafe`.

use static_call::__private::{self, FLAG_ON, KeyDescription, KeyRecord, Keyed};
use static_call::{Instance, Key, static_call};

#[static_call]
unsafe trait Codec {
    fn level(&self) -> u32;
}

#[derive(Instance)]
struct Lz4;

unsafe impl Codec for Lz4 {
    fn level(&self) -> u32 {
        1
    }
}

mod own {
    #[static_call::static_call(update = pub(self))]
    pub fn level() -> u32 {
        1
    }
}

static RECORD: KeyRecord = KeyRecord::new(KeyDescription {
    describe: |_| (),
    shim: main as *const (),
    stub: <own::level as static_call::__private::Keyed>::stub as *const (),
    text: "::",
    module: 0,
    name: 0,
    file: 0,
    position: (0, 0),
    flags: 0,
});

fn main() {
    let _ = __private::update_all::<StaticCodec, Lz4>();
    let _ = __private::reset_all::<StaticCodec>();
    let _ = __private::Request::new(&RECORD, FLAG_ON);
    let _ = __private::force(&RECORD, FLAG_ON);
    let _ = Key::<own::level>::new();
    <own::level as Keyed>::stub();
}
