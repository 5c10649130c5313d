//! Slices whose elements are statics all over the program: the linker puts them side by side, in a
//! section of their own.
//!
//! The crate `linkme` does this for any type and on many systems. But it exports a macro for each slice
//! that puts any static into any section, with no `unsafe` from its caller: code in `.init_array`, a
//! record of a key with any bytes. So on Linux the slices are made here, where the one exported macro
//! decides section and type; elsewhere they are linkme's.

#[cfg(target_os = "linux")]
mod sections;

#[cfg(target_os = "linux")]
pub(crate) use sections::{Collected, collected};

/// Declares a slice whose elements [`__record!`](crate::__record!) adds.
#[cfg(not(target_os = "linux"))]
macro_rules! collected {
    ($(#[$doc:meta])* static $name:ident: [$ty:ty]; $($section:literal),*) => {
        $(#[$doc])*
        #[linkme::distributed_slice]
        pub static $name: [$ty];
    };
}
#[cfg(not(target_os = "linux"))]
pub(crate) use collected;

/// A static that is an element of a slice: the record of a key, or of a site. The section and the
/// type are not the caller's to choose, and only unsafe code can make the record of a key.
#[doc(hidden)]
#[macro_export]
#[cfg(target_os = "linux")]
macro_rules! __record {
    (key $name:ident = $value:expr;) => {
        #[used]
        #[allow(non_upper_case_globals, reason = "it has the name of the key")]
        #[unsafe(link_section = "linkme_STATIC_CALL_0_1_KEYS")]
        static $name: $crate::__private::KeyRecord = $value;
    };
    (site $name:ident = $value:expr;) => {
        #[used]
        #[unsafe(link_section = "linkme_STATIC_CALL_0_1_SITES")]
        static $name: $crate::__private::SiteRecord = $value;
    };
}

/// A static that is an element of a slice: the record of a key, or of a site.
#[doc(hidden)]
#[macro_export]
#[cfg(not(target_os = "linux"))]
macro_rules! __record {
    (key $name:ident = $value:expr;) => {
        #[$crate::__private::linkme::distributed_slice($crate::__private::KEYS)]
        #[linkme(crate = $crate::__private::linkme)]
        #[allow(non_upper_case_globals, reason = "it has the name of the key")]
        static $name: $crate::__private::KeyRecord = $value;
    };
    (site $name:ident = $value:expr;) => {
        #[$crate::__private::linkme::distributed_slice($crate::__private::SITES)]
        #[linkme(crate = $crate::__private::linkme)]
        static $name: $crate::__private::SiteRecord = $value;
    };
}
