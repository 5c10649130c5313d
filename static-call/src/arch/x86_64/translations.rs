//! A word to valgrind, which executes translations of the code that it has read, and keeps them.

use core::arch::asm;

/// Makes valgrind read the code in this range again; on a processor it does nothing.
///
/// Without it a program under valgrind goes on calling old targets: valgrind watches code that
/// changes on the stack and in anonymous memory, not in a file (`--smc-check`).
pub(crate) fn forget(address: usize, length: usize) {
    // `VALGRIND_DISCARD_TRANSLATIONS` (valgrind/valgrind.h): the request, its arguments.
    let request: [usize; 6] = [0x1002, address, length, 0, 0, 0];
    // SAFETY: INV-STORE: no store. A rotation by 128 bits in all and an exchange of a register with
    // itself, by which valgrind knows a request: it reads those six words and answers in `rdx`.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") 0_usize => _,
            options(nostack, readonly),
        );
    }
}
