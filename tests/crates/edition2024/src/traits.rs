//! A trait and its handle.

use static_call::{Instance, call, static_call};

/// # Safety
///
/// 1. None.
#[static_call(type Item = u32)]
pub unsafe trait Codec {
    type Item: Copy;
    fn first(&self, items: &[Self::Item]) -> Option<Self::Item>;
    /// # Safety
    ///
    /// 1. It points to one.
    unsafe fn read(at: *const u32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { *at }
    }
    fn name(&self) -> &str {
        "codec"
    }
    #[static_call(optional)]
    fn told(&self, r#gen: u32);
    fn stop(&self, r#gen: u32) -> ! {
        panic!("{}", r#gen)
    }
}

#[derive(Instance)]
pub struct First;

unsafe impl Codec for First {
    type Item = u32;
    fn first(&self, items: &[u32]) -> Option<u32> {
        items.first().copied()
    }
}

pub struct Second(pub String);

static SECOND: std::sync::LazyLock<Second> =
    std::sync::LazyLock::new(|| Second("second".to_owned()));
static_call::instance!(SECOND: Second);

unsafe impl Codec for Second {
    type Item = u32;
    fn first(&self, items: &[u32]) -> Option<u32> {
        items.get(1).copied()
    }
    fn name(&self) -> &str {
        &self.0
    }
}

pub(crate) fn check() {
    unsafe { StaticCodec::update::<First>() }.unwrap();
    assert_eq!(StaticCodec.first(&[1, 2]), Some(1));
    assert_eq!(unsafe { call!(StaticCodec::read(&5)) }, 5);
    assert_eq!(StaticCodec.name(), "codec");
    unsafe { StaticCodec::update::<Second>() }.unwrap();
    assert_eq!(call!(StaticCodec::first(&StaticCodec, &[1, 2])), Some(2));
    assert_eq!(StaticCodec.name(), "second");
    call!(StaticCodec::told(&StaticCodec, 1));
    if StaticCodec.name().is_empty() {
        StaticCodec.stop(1);
    }
}
