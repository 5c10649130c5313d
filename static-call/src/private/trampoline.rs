//! The assembly text of trampolines and stubs, and of the records that describe them.
//!
//! One place, so that macro output, verifier (`layout`) and runtime (`arch`) cannot disagree.
//! Where patching does not exist the same macros make ordinary functions that call through the slot.
//!
//! No text here names a symbol of another crate in a way that a shared object could not: a key may
//! live in a Rust `dylib` and its trampolines in the program. Stubs are named through the procedure
//! linkage table (`@PLT`), which is the stub itself wherever both are in one image and nothing else
//! can replace it; a stub finds its slot through the global offset table, which the linker takes
//! out again under the same condition (psABI, "Optimize GOTPCRELX Relocations").

/// A trampoline, generic so that each crate gets a local instance: jumps to its key's stub.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
macro_rules! __trampoline {
    (unsafe $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; key $key:ty; site $site:expr) => {
        #[unsafe(naked)]
        #[allow(improper_ctypes_definitions)]
        unsafe extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                "2:",
                // Five bytes wherever the stub is: an assembler could choose two.
                ".byte 0xe9",
                ".long {stub}@PLT - . - 4",
                ".byte 0xcc, 0xcc, 0xcc",
                ".cfi_endproc",
                ".pushsection static_call_0_1_trampolines,\"ao\",@progbits,{me}",
                ".p2align 2",
                ".long 2b - .",
                ".long {stub}@PLT - .",
                ".quad {site}",
                ".popsection",
                me = sym $me,
                stub = sym <$key as $crate::__private::Keyed>::stub,
                site = const $site,
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
                // `mov slot@GOTPCREL(%rip), %r11`, with the relocation that lets the linker make it
                // `lea slot(%rip), %r11`. No argument is in r11, and no caller keeps anything
                // there (psABI, 3.2.1).
                "2:",
                ".byte 0x4c, 0x8b, 0x1d",
                ".long 0",
                ".reloc 2b + 3, R_X86_64_REX_GOTPCRELX, {slot} - 4",
                "jmp *(%r11)",
                ".cfi_endproc",
                slot = sym $record,
                options(att_syntax),
            )
        }
    };
}

/// A trampoline: here an ordinary function that calls through its key's slot.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
macro_rules! __trampoline {
    (unsafe $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty; me $me:expr; key $key:ty; site $site:expr) => {
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
                $crate::__private::core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($ty),*) -> $ret>(target)
            };
            // SAFETY: the arguments are what the caller of this function promises (INV-PASS).
            unsafe { target($($arg),*) }
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
