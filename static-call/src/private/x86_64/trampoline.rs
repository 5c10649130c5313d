//! The assembly text of trampolines and stubs, and of the records that describe them.
//!
//! It is in one place, so that macro output, verifier (`layout`) and runtime (`arch`) cannot
//! disagree. Where nothing is patched, the macros of `private/plain.rs` define ordinary functions
//! that call through the slot instead.
//!
//! The text names symbols of other crates only in ways that work across shared objects: a key may
//! live in a Rust `dylib` and its trampolines in the program. Stubs are named through the procedure
//! linkage table (`@PLT`), which is the stub itself if both are in one image and no other object
//! can replace it. A stub finds its slot through the global offset table, which the linker bypasses
//! under the same condition (psABI, "Optimize GOTPCRELX Relocations").

/// Defines a trampoline, which jumps to its key's stub. It is generic, so that each crate gets a
/// local instance.
#[doc(hidden)]
#[macro_export]
macro_rules! __trampoline {
    (
        unsafe $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),*) -> $ret:ty;
        me $me:expr; key $key:ty; site $site:expr
    ) => {
        #[unsafe(naked)]
        #[allow(improper_ctypes_definitions)]
        unsafe extern "C-unwind" fn $name<$($generics)*>($($arg: $ty),*) -> $ret {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                "2:",
                // Always five bytes: an assembler could choose the form of two bytes.
                ".byte 0xe9",
                ".long {stub}@PLT - . - 4",
                ".byte 0xcc, 0xcc, 0xcc",
                ".cfi_endproc",
                $crate::__section!(push_trampolines),
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

/// Defines a key's stub, which jumps through the slot, and its test, which tests whether it is on.
#[doc(hidden)]
#[macro_export]
macro_rules! __stub {
    ($record:path) => {
        #[unsafe(naked)]
        unsafe extern "C" fn stub() {
            $crate::__private::core::arch::naked_asm!(
                ".p2align 3",
                ".cfi_startproc",
                // `mov slot@GOTPCREL(%rip), %r11`, with the relocation that lets the linker relax
                // it to `lea slot(%rip), %r11`. No argument is passed in r11, and no caller
                // expects it to be preserved (psABI, 3.2.1).
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

        // The result is the zero flag, which is clear if the key is on. Nothing else changes: the
        // places of hooks and flags call it without the compiler's knowledge.
        #[unsafe(naked)]
        unsafe extern "C" fn test() {
            $crate::__private::core::arch::naked_asm!(
                ".cfi_startproc",
                "push %rax",
                ".cfi_adjust_cfa_offset 8",
                // `mov record@GOTPCREL(%rip), %rax`, as in the stub.
                "2:",
                ".byte 0x48, 0x8b, 0x05",
                ".long 0",
                ".reloc 2b + 3, R_X86_64_REX_GOTPCRELX, {record} - 4",
                "testb ${on}, {state}(%rax)",
                "pop %rax",
                ".cfi_adjust_cfa_offset -8",
                "ret",
                ".cfi_endproc",
                record = sym $record,
                on = const $crate::__private::KeyRecord::ON,
                state = const $crate::__private::KeyRecord::STATE,
                options(att_syntax),
            )
        }
    };
}
