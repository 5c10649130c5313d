//! Items of `__private` that switch, call or make a record need `unsafe`.

use std::any::TypeId;

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
    default: &FLAG_ON,
    default_shim: main as *const (),
    stub: main as *const (),
    name: "",
    module: "",
    file: "",
    signature: "",
    line: 0,
    column: 0,
    flags: 0,
    own_type: TypeId::of::<()>,
});

fn main() {
    let _ = __private::update_all::<StaticCodec, Lz4>();
    let _ = __private::reset_all::<StaticCodec>();
    let _ = __private::Request::new(&RECORD, &FLAG_ON);
    let _ = __private::force(&RECORD, &FLAG_ON);
    let _ = Key::<own::level>::new();
    <own::level as Keyed>::stub();
}
