//! What a `call!` hands to its key: a type, by which the key calls through a trampoline of the site.

use crate::record::Keyed;

/// A trait for each number of arguments: its name, and the argument that the next one has besides.
macro_rules! sites {
    ($arguments:tt $name:ident) => {
        site! { $name $arguments }
    };
    ([$($arguments:tt)*] $name:ident ($($next:tt)*) $($rest:tt)*) => {
        site! { $name [$($arguments)*] }
        sites! { [$($arguments)* $($next)*,] $($rest)* }
    };
}

macro_rules! site {
    ($name:ident [$($argument:ident: $ty:ident,)*]) => {
        /// A site with this number of arguments. Implemented by `call!`, for a type of its own.
        ///
        /// A `call!` names a path of the user's, and that may be no static call: a type with a
        /// `__call_at` of its own gets the site, too, and could choose key and types. So the call is
        /// an `unsafe` function, and only code that the macros make for a key calls it.
        pub trait $name {
            /// Calls a trampoline of the key `K`.
            ///
            /// # Safety
            ///
            /// 1. The types are those of `K`'s trampolines: of their arguments, and of their result.
            /// 2. The arguments are what [`Passing::pass`](super::Passing::pass) made for this one
            ///    call.
            /// 3. The caller keeps what the key's function asks of its callers, if that is `unsafe`.
            #[allow(clippy::too_many_arguments, reason = "as many as the user's function has")]
            unsafe fn call<K: Keyed, $($ty,)* R>($($argument: $ty),*) -> R;
        }
    };
}

sites! {
    []
    Site0 (a0: A0)
    Site1 (a1: A1)
    Site2 (a2: A2)
    Site3 (a3: A3)
    Site4 (a4: A4)
    Site5 (a5: A5)
    Site6 (a6: A6)
    Site7 (a7: A7)
    Site8 (a8: A8)
    Site9 (a9: A9)
    Site10 (a10: A10)
    Site11 (a11: A11)
    Site12 (a12: A12)
    Site13 (a13: A13)
    Site14 (a14: A14)
    Site15 (a15: A15)
    Site16 (a16: A16)
    Site17 (a17: A17)
    Site18 (a18: A18)
    Site19 (a19: A19)
    Site20 (a20: A20)
    Site21 (a21: A21)
    Site22 (a22: A22)
    Site23 (a23: A23)
    Site24 (a24: A24)
    Site25 (a25: A25)
    Site26 (a26: A26)
    Site27 (a27: A27)
    Site28 (a28: A28)
    Site29 (a29: A29)
    Site30 (a30: A30)
    Site31 (a31: A31)
    Site32
}
