//! Shims that call a function pointer, known only at run time, through the cell of its key.

use core::ops::Fn;

use super::Passing;
use crate::traits::Pointed;

/// Defines the shim for each number of arguments. `P` says how an argument `A` is passed.
macro_rules! through {
    ($($name:ident($($arg:ident: $passed:ident, $ty:ident),*);)*) => {$(
        /// Calls the pointer that the key's cell holds.
        ///
        /// # Safety
        ///
        /// 1. It is called only through the key's trampolines and slot, after its cell was filled.
        #[allow(improper_ctypes_definitions, reason = "as in generated code")]
        #[allow(clippy::too_many_arguments, reason = "as many as the key has")]
        pub unsafe extern "C-unwind" fn $name<K: Pointed, $($passed: Passing<$ty>, $ty,)* R>(
            $($arg: $passed::Abi),*
        ) -> R
        where
            K::Pointer: Fn($($ty),*) -> R,
        {
            let pointer = K::cell().load();
            // SAFETY: INV-SHIM: `Pointed` promises a pointer to a function, and the cell holds one
            // of this type (promise 1).
            let called = unsafe { core::mem::transmute_copy::<*const (), K::Pointer>(&pointer) };
            $(
                // SAFETY: INV-PASS: the shim receives each argument once.
                let $arg = unsafe { $passed::receive($arg) };
            )*
            called($($arg),*)
        }
    )*};
}

through! {
    through0();
    through1(a: P, A);
    through2(a: P, A, b: Q, B);
    through3(a: P, A, b: Q, B, c: S, C);
    through4(a: P, A, b: Q, B, c: S, C, d: T, D);
    through5(a: P, A, b: Q, B, c: S, C, d: T, D, e: U, E);
    through6(a: P, A, b: Q, B, c: S, C, d: T, D, e: U, E, f: V, F);
    through7(a: P, A, b: Q, B, c: S, C, d: T, D, e: U, E, f: V, F, g: W, G);
    through8(a: P, A, b: Q, B, c: S, C, d: T, D, e: U, E, f: V, F, g: W, G, h: X, H);
}
