//! A request to valgrind, which executes cached translations of the code that it has read.

use core::arch::asm;

/// Makes valgrind read the code in this range again. On a real processor it does nothing.
///
/// Without it, a program under valgrind would keep calling old targets: valgrind detects changes of
/// code on the stack and in anonymous memory, but not in file mappings (`--smc-check`).
pub(crate) fn forget(address: usize, length: usize) {
    // `VALGRIND_DISCARD_TRANSLATIONS` (valgrind/valgrind.h) and its arguments.
    let request: [usize; 6] = [0x1002, address, length, 0, 0, 0];
    // SAFETY: INV-STORE: this stores nothing. Rotations by 128 bits in total and an exchange of a
    // register with itself mark a request: valgrind reads those six words and answers in `rdx`.
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
