//! A trait whose implementation is switched.

use std::sync::atomic::{AtomicU32, Ordering};

use static_call::{Instance, UpdateError, call, static_call};

/// Encodes.
#[static_call(default = Plain)]
pub trait Codec {
    /// Returns the encoded text.
    fn encode(&self, text: &str) -> String;

    /// Returns the compression level.
    fn level() -> u32 {
        3
    }

    /// Called at the end.
    #[static_call(optional)]
    fn finish(&self);
}

/// Returns text unchanged.
#[derive(Instance)]
pub struct Plain;

impl Codec for Plain {
    fn encode(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// Numbers texts, so it has state.
pub struct Numbered {
    next: AtomicU32,
}

static NUMBERED: Numbered = Numbered { next: AtomicU32::new(1) };
static_call::instance!(NUMBERED: Numbered);

impl Codec for Numbered {
    fn encode(&self, text: &str) -> String {
        format!("{}{text}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn level() -> u32 {
        9
    }

    fn finish(&self) {
        self.next.store(1, Ordering::Relaxed);
    }
}

fn twice<C: Codec>(codec: &C) -> String {
    codec.encode("a") + &codec.encode("b")
}

/// Fails if a method does not do what it should.
pub fn check() -> Result<(), UpdateError> {
    assert_eq!((twice(&StaticCodec), StaticCodec::level()), ("ab".to_owned(), 3));
    StaticCodec.finish();
    StaticCodec::update::<Numbered>()?;
    assert_eq!((twice(&StaticCodec), StaticCodec::level()), ("1a2b".to_owned(), 9));
    assert_eq!(call!(StaticCodec::encode(&StaticCodec, "c")), "3c");
    StaticCodec.finish();
    assert_eq!(StaticCodec.encode("d"), "1d");
    let update = static_call::batch(|batch| {
        batch.update(crate::checksum::KEY, |_| 1)?;
        batch.update_all::<StaticCodec, Plain>()
    })?;
    assert_eq!((StaticCodec.encode("e"), crate::checksum(b"abc")), ("e".to_owned(), 1));
    update.previous.restore()?;
    assert_eq!((StaticCodec.encode("f"), crate::checksum(b"abc")), ("2f".to_owned(), 294));
    StaticCodec::reset().map(|_| assert_eq!(StaticCodec.encode("g"), "g"))
}
