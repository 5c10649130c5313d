//! Addresses that the linker defines, and the lock record that all versions of this crate share.
//!
//! These are naked functions, because the compiler never duplicates their text, so the labels in it
//! stay unique.

use core::arch::naked_asm;

/// Returns the address of the trampoline records.
#[unsafe(naked)]
pub(crate) extern "C" fn trampolines_start() -> *const u8 {
    naked_asm!(
        // The section must exist so that the linker defines its bounds, and must be retained so
        // that rust-lld accepts them with --gc-sections.
        concat!(".pushsection ", crate::__section!("trampolines"), ",\"aR\",@progbits"),
        ".p2align 2",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("trampolines"), "]"),
        "ret",
    )
}

/// Returns the end of the trampoline records.
#[unsafe(naked)]
pub(crate) extern "C" fn trampolines_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("trampolines"), "]"), "ret")
}

/// Returns the address of the jump label records.
#[unsafe(naked)]
pub(crate) extern "C" fn labels_start() -> *const u8 {
    naked_asm!(
        concat!(".pushsection ", crate::__section!("labels"), ",\"aR\",@progbits"),
        ".p2align 2",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("labels"), "]"),
        "ret",
    )
}

/// Returns the end of the jump label records.
#[unsafe(naked)]
pub(crate) extern "C" fn labels_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("labels"), "]"), "ret")
}

/// Returns the address of the table. In an image that was not verified it equals [`table_stop`].
#[unsafe(naked)]
pub(crate) extern "C" fn table_start() -> *const u8 {
    naked_asm!(
        concat!(".pushsection ", crate::__section!("table"), ",\"aR\",@progbits"),
        ".p2align 3",
        ".popsection",
        // Tells the verifier that this image has a runtime, which reads the table.
        concat!(".pushsection ", crate::__section!("runtime"), ",\"aR\",@progbits"),
        ".byte 1",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("table"), "]"),
        "ret",
    )
}

/// Returns the end of the table.
#[unsafe(naked)]
pub(crate) extern "C" fn table_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("table"), "]"), "ret")
}

/// Returns the address of the names of functions. In an image without names it equals
/// [`places_stop`].
#[cfg(feature = "std")]
#[unsafe(naked)]
pub(crate) extern "C" fn places_start() -> *const u8 {
    naked_asm!(
        concat!(".pushsection ", crate::__section!("places"), ",\"aR\",@progbits"),
        ".p2align 3",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("places"), "]"),
        "ret",
    )
}

/// Returns the end of the names of functions.
#[cfg(feature = "std")]
#[unsafe(naked)]
pub(crate) extern "C" fn places_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("places"), "]"), "ret")
}

/// Returns the address of the image's ELF header, or null if the linker did not map it.
#[unsafe(naked)]
pub(crate) extern "C" fn elf_header() -> *const u8 {
    naked_asm!(
        ".weak __ehdr_start",
        ".hidden __ehdr_start",
        "mov rax, qword ptr [rip + __ehdr_start@GOTPCREL]",
        "ret",
    )
}

/// Returns the address of the lock record: 16 zero bytes, aligned to 16. An image has only one,
/// however many versions of this crate it contains. Name and format are frozen.
#[unsafe(naked)]
pub(crate) extern "C" fn lock_record() -> *const u8 {
    naked_asm!(
        // Fat LTO compiles all versions to one assembly file.
        ".ifndef static_call_lock_v1",
        ".pushsection .bss.static_call_lock_v1,\"aw\",@nobits",
        ".weak static_call_lock_v1",
        ".hidden static_call_lock_v1",
        ".type static_call_lock_v1, @object",
        ".size static_call_lock_v1, 16",
        ".p2align 4",
        "static_call_lock_v1:",
        ".zero 16",
        ".popsection",
        ".endif",
        "lea rax, [rip + static_call_lock_v1]",
        "ret",
    )
}
