//! Slices whose elements are statics all over the program: the linker puts them side by side, in a
//! section of their own.
//!
//! The crate `linkme` does this for any type, and exports a macro for each slice that puts any static
//! into any section, with no `unsafe` from its caller. Here the one exported macro decides section and type.

use core::ops::Deref;
use core::{fmt, slice};

/// The slice of all elements. Where it begins and ends, the linker says.
pub(crate) struct Collected<T: 'static> {
    start: *const T,
    stop: *const T,
    /// One byte for each copy of this crate in the image.
    copies: [*const u8; 2],
}

// SAFETY: it is a shared slice by another name (INV-KEY).
unsafe impl<T: Sync> Sync for Collected<T> {}

impl<T> Collected<T> {
    /// # Safety
    ///
    /// 1. Between `start` and `stop` are statics of type `T` and nothing else.
    /// 2. Between the two pointers of `copies` is a byte for each copy of this crate in the image.
    pub(crate) const unsafe fn new(
        start: *const T,
        stop: *const T,
        copies: [*const u8; 2],
    ) -> Self {
        Self { start, stop, copies }
    }

    /// The elements.
    ///
    /// # Panics
    ///
    /// Where two copies of one version of this crate are in one image: each would take the other's
    /// records for its own.
    pub(crate) fn static_slice(&self) -> &'static [T] {
        let [first, end] = self.copies;
        assert!(end.addr() - first.addr() <= 1, "two copies of one version of static-call");
        let len = (self.stop.addr() - self.start.addr()) / size_of::<T>();
        // SAFETY: statics of this type and nothing else are there (promise 1 of `new`, INV-KEY).
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

/// Declares a slice whose elements [`__record!`](crate::__record!) adds: its sections, and those with
/// a byte for each copy of this crate.
macro_rules! collected {
    (
        $(#[$doc:meta])*
        static $name:ident: [$ty:ty];
        elf $elf:literal, $elf_copies:literal;
        macho $macho:literal, $macho_copies:literal;
        coff $coff:literal, $coff_copies:literal;
    ) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::slices::Collected<$ty> = {
            #[cfg(not(any(windows, target_os = "uefi")))]
            unsafe extern "Rust" {
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__start_", $elf))]
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\x01section$start$__DATA$", $macho))]
                static START: [$ty; 0];
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__stop_", $elf))]
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\x01section$end$__DATA$", $macho))]
                static STOP: [$ty; 0];
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__start_", $elf_copies))]
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\x01section$start$__DATA$", $macho_copies))]
                static FIRST_COPY: [u8; 0];
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__stop_", $elf_copies))]
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\x01section$end$__DATA$", $macho_copies))]
                static END_OF_COPIES: [u8; 0];
            }

            // Such linkers sort sections by what follows the `$`, and have no symbols for the ends:
            // the slice begins behind an element of ours.
            #[cfg(any(windows, target_os = "uefi"))]
            mod ends {
                use core::mem::MaybeUninit;

                use super::*;

                #[unsafe(link_section = concat!(".", $coff, "$a"))]
                pub(super) static START: MaybeUninit<$ty> = MaybeUninit::uninit();
                #[unsafe(link_section = concat!(".", $coff, "$c"))]
                pub(super) static STOP: MaybeUninit<$ty> = MaybeUninit::uninit();
                #[unsafe(link_section = concat!(".", $coff_copies, "$a"))]
                pub(super) static FIRST_COPY: u8 = 0;
                #[unsafe(link_section = concat!(".", $coff_copies, "$c"))]
                pub(super) static END_OF_COPIES: u8 = 0;
            }
            #[cfg(any(windows, target_os = "uefi"))]
            use ends::{END_OF_COPIES, FIRST_COPY, START, STOP};

            // So that the section is there, and may be written, where it has no element.
            #[used]
            #[cfg(not(any(windows, target_os = "uefi", target_vendor = "apple")))]
            #[unsafe(link_section = $elf)]
            static mut NOTHING: [$ty; 0] = [];

            #[used]
            #[cfg_attr(
                not(any(windows, target_os = "uefi", target_vendor = "apple")),
                unsafe(link_section = $elf_copies)
            )]
            #[cfg_attr(
                target_vendor = "apple",
                unsafe(link_section = concat!("__DATA,", $macho_copies, ",regular,no_dead_strip"))
            )]
            #[cfg_attr(
                any(windows, target_os = "uefi"),
                unsafe(link_section = concat!(".", $coff_copies, "$b"))
            )]
            static COPY: u8 = 1;

            let skipped = cfg!(any(windows, target_os = "uefi")) as usize;
            // SAFETY: `__record!`, which alone puts statics there, decides their type (promises 1
            // and 2, INV-KEY).
            unsafe {
                $crate::slices::Collected::new(
                    (&raw const START).cast::<$ty>().wrapping_add(skipped),
                    (&raw const STOP).cast::<$ty>(),
                    [
                        (&raw const FIRST_COPY).cast::<u8>().wrapping_add(skipped),
                        (&raw const END_OF_COPIES).cast::<u8>(),
                    ],
                )
            }
        };
    };
}
pub(crate) use collected;

/// A static that is an element of a slice: the record of a key, or of a site. The section and the
/// type are not the caller's to choose, and only unsafe code can make the record of a key.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (key $name:ident = $value:expr;) => {
        #[used]
        #[allow(non_upper_case_globals, reason = "it has the name of the key")]
        #[cfg_attr(
            not(any(windows, target_os = "uefi", target_vendor = "apple")),
            unsafe(link_section = "linkme_STATIC_CALL_0_1_KEYS")
        )]
        #[cfg_attr(
            target_vendor = "apple",
            unsafe(link_section = "__DATA,__sc_0_1_keys,regular,no_dead_strip")
        )]
        #[cfg_attr(
            any(windows, target_os = "uefi"),
            unsafe(link_section = ".STATIC_CALL_0_1_KEYS$b")
        )]
        static $name: $crate::__private::KeyRecord = $value;
    };
    (site $name:ident = $value:expr;) => {
        #[used]
        #[cfg_attr(
            not(any(windows, target_os = "uefi", target_vendor = "apple")),
            unsafe(link_section = "linkme_STATIC_CALL_0_1_SITES")
        )]
        #[cfg_attr(
            target_vendor = "apple",
            unsafe(link_section = "__DATA,__sc_0_1_sites,regular,no_dead_strip")
        )]
        #[cfg_attr(
            any(windows, target_os = "uefi"),
            unsafe(link_section = ".STATIC_CALL_0_1_SITES$b")
        )]
        static $name: $crate::__private::SiteRecord = $value;
    };
}
