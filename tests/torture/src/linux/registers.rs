//! Registers and flags that the ABI keeps across a call (System V ABI, AMD64 supplement, 3.2.1).

use std::arch::global_asm;

use super::sites::WAYS;

/// Adds a bit to eax: whether the register does not hold this value.
macro_rules! kept {
    ($register:literal, $value:literal) => {
        concat!(
            "mov rdx, ",
            $value,
            "\n",
            "cmp ",
            $register,
            ", rdx\n",
            "setne cl\n",
            "movzx ecx, cl\n",
            "lea eax, [rcx + 2 * rax]"
        )
    };
}

global_asm!(
    ".pushsection .text.torture_registers,\"ax\",@progbits",
    ".p2align 4",
    // Calls rdi with rsi; returns a bit for each register that it does not keep.
    "torture_registers:",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 24",
    "mov rbx, 0x1111111111111111",
    "mov rbp, 0x2222222222222222",
    "mov r12, 0x3333333333333333",
    "mov r13, 0x4444444444444444",
    "mov r14, 0x5555555555555555",
    "mov r15, 0x6666666666666666",
    "mov [rsp], rsp",
    "stmxcsr [rsp + 8]",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "pushfq",
    "pop rdx",
    // The direction flag, bit 10.
    "shr rdx, 10",
    "and edx, 1",
    "mov eax, edx",
    "cmp [rsp], rsp",
    "setne cl",
    "movzx ecx, cl",
    "lea eax, [rcx + 2 * rax]",
    "mov edx, [rsp + 8]",
    "stmxcsr [rsp + 12]",
    // The status bits may change, the control bits may not.
    "xor edx, [rsp + 12]",
    "test edx, 0xffc0",
    "setne cl",
    "movzx ecx, cl",
    "lea eax, [rcx + 2 * rax]",
    kept!("rbx", "0x1111111111111111"),
    kept!("rbp", "0x2222222222222222"),
    kept!("r12", "0x3333333333333333"),
    kept!("r13", "0x4444444444444444"),
    kept!("r14", "0x5555555555555555"),
    kept!("r15", "0x6666666666666666"),
    "add rsp, 24",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "ret",
    ".popsection",
);

unsafe extern "C" {
    fn torture_registers(call: extern "C" fn(u64) -> u64, x: u64) -> u64;
}

extern "C" fn call_all(x: u64) -> u64 {
    WAYS.iter().map(|way| way(x)).fold(0, |a, b| a ^ b)
}

/// Makes calls, and returns a bit for each register that was not kept.
pub(super) fn lost(x: u64) -> u64 {
    // SAFETY: it calls a function of this signature, and keeps the stack aligned.
    unsafe { torture_registers(call_all, x) }
}
