//! The assembly text of trampolines and stubs, and of the records that describe them.
//!
//! One place, so that macro output, verifier (`layout`) and runtime (`arch`) cannot disagree.
//! Where patching does not exist the same macros make ordinary functions that call through the slot.

/// A key's own trampoline, generic so that each crate gets a local instance: plain calls go there.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
macro_rules! __plain_trampoline {
    ($name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; record $record:path; key $key:ty) => {
        #[unsafe(naked)]
        #[allow(improper_ctypes_definitions)]
        extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                "jmp *{slot}(%rip)",
                ".byte 0xcc, 0xcc",
                ".cfi_endproc",
                ".pushsection static_call_0_1_trampolines,\"ao\",@progbits,{me}",
                ".p2align 2",
                ".long {me} - .",
                ".long {stub} - .",
                ".long 0",
                ".long 1",
                ".popsection",
                me = sym $me,
                slot = sym $record,
                stub = sym <$key as $crate::__private::Keyed>::stub,
                options(att_syntax),
            )
        }
    };
}

/// The trampoline of one `call!`: generic over the key, whose stub it jumps to.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
macro_rules! __site_trampoline {
    ($name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; key $key:ident; site $site:path) => {
        #[unsafe(naked)]
        #[allow(improper_ctypes_definitions)]
        extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                // Five bytes wherever the stub is: an assembler could choose two.
                ".byte 0xe9",
                ".long {stub} - . - 4",
                ".byte 0xcc, 0xcc, 0xcc",
                ".cfi_endproc",
                ".pushsection static_call_0_1_trampolines,\"ao\",@progbits,{me}",
                ".p2align 2",
                ".long {me} - .",
                ".long {stub} - .",
                ".long {site} - .",
                ".long 2",
                ".popsection",
                me = sym $me,
                stub = sym <$key as $crate::__private::Keyed>::stub,
                site = sym $site,
                options(att_syntax),
            )
        }
    };
}

/// A key's stub: jumps through the slot.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
macro_rules! __stub {
    ($record:path) => {
        #[unsafe(naked)]
        unsafe extern "C" fn stub() {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                "jmp *{slot}(%rip)",
                ".cfi_endproc",
                slot = sym $record,
                options(att_syntax),
            )
        }
    };
}

/// A key's own trampoline, generic so that each crate gets a local instance: plain calls go there.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
macro_rules! __plain_trampoline {
    ($name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; record $record:path; key $key:ty) => {
        #[inline(always)]
        #[allow(improper_ctypes_definitions)]
        extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            let target = $record.entry();
            // SAFETY: a slot holds the shim of a target of this signature (INV-SLOT).
            let target = unsafe {
                $crate::__private::core::mem::transmute::<*mut (), extern "C-unwind" fn($($ty),*) -> $ret>(target)
            };
            target($($arg),*)
        }
    };
}

/// The trampoline of one `call!`: generic over the key, whose slot it calls through.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
macro_rules! __site_trampoline {
    ($name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; key $key:ident; site $site:path) => {
        #[inline(always)]
        #[allow(improper_ctypes_definitions)]
        extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
            let record = unsafe { &*<$key as $crate::__private::Keyed>::RECORD };
            let target = record.entry();
            // SAFETY: a slot holds the shim of a target of this signature (INV-SLOT).
            let target = unsafe {
                $crate::__private::core::mem::transmute::<*mut (), extern "C-unwind" fn($($ty),*) -> $ret>(target)
            };
            target($($arg),*)
        }
    };
}

/// A key's stub: only its address is used here.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
macro_rules! __stub {
    ($record:path) => {
        unsafe extern "C" fn stub() {}
    };
}
