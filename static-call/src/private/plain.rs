//! Trampolines, stubs and labels where nothing is patched: ordinary functions that read the slot
//! and the key, without assembly.

/// Defines a trampoline: here an ordinary function that calls through its key's slot.
#[doc(hidden)]
#[macro_export]
macro_rules! __trampoline {
    (
        unsafe $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty;
        me $me:expr; key $key:ty; site $site:expr
    ) => {
        #[inline(always)]
        #[allow(improper_ctypes_definitions)]
        unsafe extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            // Evaluated here because it is where code is patched.
            const _: $crate::__private::core::primitive::u64 = $site;
            // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
            let record = unsafe { &*<$key as $crate::__private::Keyed>::RECORD };
            let target = $crate::__private::KeyRecord::entry(record);
            // SAFETY: the slot holds the shim of a target with this signature (INV-SLOT).
            let target = unsafe {
                $crate::__private::core::mem::transmute::<
                    *mut (),
                    unsafe extern "C-unwind" fn($($ty),*) -> $ret,
                >(target)
            };
            // SAFETY: the caller of this function promises what the arguments require (INV-PASS).
            unsafe { target($($arg),*) }
        }
    };
}

/// Defines a key's stub, of which only the address is used here, and its test, which nothing uses.
#[doc(hidden)]
#[macro_export]
macro_rules! __stub {
    ($record:path) => {
        unsafe extern "C" fn stub() {}
        unsafe extern "C" fn test() {}
    };
}

/// Returns whether `$key` is on. It is the whole body of a function.
#[doc(hidden)]
#[macro_export]
macro_rules! __label {
    ($expected:ident $key:ty $(; site $site:expr)?) => {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on()
    };
}
