//! Trampolines, stubs and labels where nothing is patched: ordinary functions that ask the slot and
//! the key. No assembly.

/// A trampoline: here an ordinary function that calls through its key's slot.
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
            // Named, as it is where code is patched.
            const _: $crate::__private::core::primitive::u64 = $site;
            // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
            let record = unsafe { &*<$key as $crate::__private::Keyed>::RECORD };
            let target = $crate::__private::KeyRecord::entry(record);
            // SAFETY: a slot holds the shim of a target of this signature (INV-SLOT).
            let target = unsafe {
                $crate::__private::core::mem::transmute::<
                    *mut (),
                    unsafe extern "C-unwind" fn($($ty),*) -> $ret,
                >(target)
            };
            // SAFETY: the arguments are what the caller of this function promises (INV-PASS).
            unsafe { target($($arg),*) }
        }
    };
}

/// A key's stub: only its address is used here.
#[doc(hidden)]
#[macro_export]
macro_rules! __stub {
    ($record:path) => {
        unsafe extern "C" fn stub() {}
    };
}

/// Whether `$key` is on; the whole body of a function.
#[doc(hidden)]
#[macro_export]
macro_rules! __label {
    ($expected:ident $key:ty $(; site $site:expr)?) => {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on()
    };
}
