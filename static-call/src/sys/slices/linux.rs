//! Slices in ELF sections. The linker defines symbols at their ends (`__start_`, `__stop_`; gABI,
//! "Sections").

use core::ops::Deref;
use core::{fmt, slice};

/// The slice of all elements.
pub(crate) struct Collected<T: 'static> {
    /// INV-KEY: the first of the statics of this type; nothing else lies before `stop`.
    start: *const T,
    /// The end of the last static.
    stop: *const T,
    /// Start and end of a section with one byte for each copy of this crate in the image.
    copies: [*const u8; 2],
}

// SAFETY: this is equivalent to a shared slice (INV-KEY).
unsafe impl<T: Sync> Sync for Collected<T> {}

impl<T> Collected<T> {
    /// Makes the slice between two addresses.
    ///
    /// # Safety
    ///
    /// 1. Only statics of type `T` lie between `start` and `stop`.
    /// 2. The two pointers of `copies` enclose one byte for each copy of this crate in the image.
    pub(crate) const unsafe fn new(
        start: *const T,
        stop: *const T,
        copies: [*const u8; 2],
    ) -> Self {
        Self { start, stop, copies }
    }

    /// Returns the elements.
    ///
    /// # Panics
    ///
    /// Panics if two copies of one version of this crate are in one image: each would treat the
    /// other's records as its own.
    pub(crate) fn static_slice(&self) -> &'static [T] {
        let [first, end] = self.copies;
        assert!(
            end.addr() - first.addr() <= 1,
            "two copies of one version of static-call are in one image: link only one"
        );
        let len = (self.stop.addr() - self.start.addr()) / size_of::<T>();
        // SAFETY: only statics of this type lie there (promise 1 of `new`, INV-KEY).
        unsafe { slice::from_raw_parts(self.start, len) }
    }
}

impl<T> Deref for Collected<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.static_slice()
    }
}

impl<T: fmt::Debug> fmt::Debug for Collected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.static_slice().fmt(f)
    }
}

/// Declares a slice to which [`__record!`](crate::__record!) adds elements: its section, and the
/// section with one byte for each copy of this crate.
macro_rules! collected {
    ($(#[$doc:meta])* static $name:ident: [$ty:ty]; $kind:ident) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::sys::slices::Collected<$ty> = {
            unsafe extern "Rust" {
                #[link_name = concat!("__start_", $crate::__section!($kind "linkme"))]
                static START: [$ty; 0];
                #[link_name = concat!("__stop_", $crate::__section!($kind "linkme"))]
                static STOP: [$ty; 0];
                #[link_name = concat!("__start_", $crate::__section!($kind "linkm2"))]
                static FIRST_COPY: [u8; 0];
                #[link_name = concat!("__stop_", $crate::__section!($kind "linkm2"))]
                static END_OF_COPIES: [u8; 0];
            }

            // Makes the section exist, and be writable, even without elements.
            #[used]
            #[unsafe(link_section = $crate::__section!($kind "linkme"))]
            static mut NOTHING: [$ty; 0] = [];

            #[used]
            #[unsafe(link_section = $crate::__section!($kind "linkm2"))]
            static COPY: u8 = 1;

            // SAFETY: only `__record!` puts statics there, and it decides their type (promises 1
            // and 2, INV-KEY).
            unsafe {
                $crate::sys::slices::Collected::new(
                    (&raw const START).cast::<$ty>(),
                    (&raw const STOP).cast::<$ty>(),
                    [
                        (&raw const FIRST_COPY).cast::<u8>(),
                        (&raw const END_OF_COPIES).cast::<u8>(),
                    ],
                )
            }
        };
    };
}
pub(crate) use collected;

/// Declares a static that is an element of a slice: the record of a key or of a site. The caller
/// chooses neither section nor type, and only unsafe code can make the record of a key.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (key $name:ident = $value:expr;) => {
        #[used]
        #[allow(non_upper_case_globals, reason = "it has the name of the key")]
        #[allow(deprecated, reason = "its function may be")]
        #[unsafe(link_section = $crate::__section!(keys "linkme"))]
        static $name: $crate::__private::KeyRecord = $value;
    };
    (site $name:ident = $value:expr;) => {
        #[used]
        #[unsafe(link_section = $crate::__section!(sites "linkme"))]
        static $name: $crate::__private::SiteRecord = $value;
    };
}
