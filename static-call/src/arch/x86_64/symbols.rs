//! Addresses that the linker defines, and the lock record that all versions of this crate share.
//!
//! Naked functions, because the compiler never duplicates their text: the labels stay unique.

use core::arch::naked_asm;

/// First byte of the trampoline records.
#[unsafe(naked)]
pub(crate) extern "C" fn trampolines_start() -> *const u8 {
    naked_asm!(
        // The section must exist for the linker to define its bounds, and must be retained for
        // rust-lld to accept them under --gc-sections.
        concat!(".pushsection ", crate::__section!("trampolines"), ",\"aR\",@progbits"),
        ".p2align 2",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("trampolines"), "]"),
        "ret",
    )
}

/// First byte after the trampoline records.
#[unsafe(naked)]
pub(crate) extern "C" fn trampolines_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("trampolines"), "]"), "ret")
}

/// First byte of the records of jump labels.
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

/// First byte after the records of jump labels.
#[unsafe(naked)]
pub(crate) extern "C" fn labels_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("labels"), "]"), "ret")
}

/// First byte of the table; equal to [`table_stop`] in an image that no verifier has seen.
#[unsafe(naked)]
pub(crate) extern "C" fn table_start() -> *const u8 {
    naked_asm!(
        concat!(".pushsection ", crate::__section!("table"), ",\"aR\",@progbits"),
        ".p2align 3",
        ".popsection",
        // Says that a table here has a reader.
        concat!(".pushsection ", crate::__section!("runtime"), ",\"aR\",@progbits"),
        ".byte 1",
        ".popsection",
        concat!("lea rax, [rip + __start_", crate::__section!("table"), "]"),
        "ret",
    )
}

/// First byte after the table.
#[unsafe(naked)]
pub(crate) extern "C" fn table_stop() -> *const u8 {
    naked_asm!(concat!("lea rax, [rip + __stop_", crate::__section!("table"), "]"), "ret")
}

/// The image's ELF header, or null where the linker did not put it into memory.
#[unsafe(naked)]
pub(crate) extern "C" fn elf_header() -> *const u8 {
    naked_asm!(
        ".weak __ehdr_start",
        ".hidden __ehdr_start",
        "mov rax, qword ptr [rip + __ehdr_start@GOTPCREL]",
        "ret",
    )
}

/// The lock record: 16 zero bytes, aligned to 16, one in the image however many versions of this
/// crate are in it. Name and format are frozen.
#[unsafe(naked)]
pub(crate) extern "C" fn lock_record() -> *const u8 {
    naked_asm!(
        // Fat LTO makes one assembly of all versions.
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
