//! Slices of the crate `linkme`.

/// Declares a slice to which [`__record!`](crate::__record!) adds elements.
macro_rules! collected {
    ($(#[$doc:meta])* static $name:ident: [$ty:ty]; $kind:ident) => {
        $(#[$doc])*
        #[linkme::distributed_slice]
        pub static $name: [$ty];
    };
}
pub(crate) use collected;

/// Declares a static that is an element of a slice: the record of a key or of a site.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (key $name:ident = $value:expr;) => {
        #[$crate::__private::linkme::distributed_slice($crate::__private::KEYS)]
        #[linkme(crate = $crate::__private::linkme)]
        #[allow(non_upper_case_globals, reason = "it has the name of the key")]
        #[allow(deprecated, reason = "its function may be")]
        static $name: $crate::__private::KeyRecord = $value;
    };
    (site $name:ident = $value:expr;) => {
        #[$crate::__private::linkme::distributed_slice($crate::__private::SITES)]
        #[linkme(crate = $crate::__private::linkme)]
        static $name: $crate::__private::SiteRecord = $value;
    };
}
