//! A thousand functions in three ways. They are in nested modules: `b::c::d` has number 123.

use std::sync::atomic::AtomicPtr;

/// The functions' type.
pub(super) type Function = fn(u64) -> u64;

/// A pointer to a function, and the other data of its cache line.
#[repr(align(64))]
pub(super) struct Slot(pub(super) AtomicPtr<()>);

/// Defines the function of a number in each way. They differ by a constant, so that the compiler
/// does not merge them.
macro_rules! function {
    ($hundreds:literal $tens:literal $ones:literal) => {
        use std::sync::atomic::AtomicPtr;

        use $crate::cold::keys::{Function, Slot};

        const NUMBER: u32 = $hundreds * 100 + $tens * 10 + $ones;

        #[inline(always)]
        fn body(x: u64, way: u32) -> u64 {
            x.rotate_left(NUMBER % 61 + 1) ^ u64::from(way * 0x10_0000 + NUMBER)
        }

        #[inline(never)]
        pub(in $crate::cold) fn direct(x: u64) -> u64 {
            body(x, 1)
        }

        #[static_call::static_call]
        pub(in $crate::cold) fn switchable(x: u64) -> u64 {
            body(x, 2)
        }

        #[inline(never)]
        pub(in $crate::cold) fn pointed(x: u64) -> u64 {
            body(x, 3)
        }

        pub(in $crate::cold) static SLOT: Slot =
            Slot(AtomicPtr::new(pointed as Function as *mut ()));
    };
}

/// Defines ten modules with a function each.
macro_rules! ones {
    ($hundreds:literal $tens:literal: $($name:ident $ones:literal)*) => {
        $(
            pub(in $crate::cold) mod $name {
                function!($hundreds $tens $ones);
            }
        )*
    };
}

/// Defines ten modules with ten functions each.
macro_rules! tens {
    ($hundreds:literal: $($name:ident $tens:literal)*) => {
        $(
            pub(in $crate::cold) mod $name {
                ones!($hundreds $tens: a 0 b 1 c 2 d 3 e 4 f 5 g 6 h 7 i 8 j 9);
            }
        )*
    };
}

/// Defines modules with a hundred functions each.
macro_rules! hundreds {
    ($($name:ident $hundreds:literal)*) => {
        $(
            pub(in $crate::cold) mod $name {
                tens!($hundreds: a 0 b 1 c 2 d 3 e 4 f 5 g 6 h 7 i 8 j 9);
            }
        )*
    };
}

hundreds!(a 0 b 1 c 2 d 3 e 4 f 5 g 6 h 7 i 8 j 9);
