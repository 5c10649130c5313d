//! Filters of system calls (seccomp): a process without the calls that a hardened system forbids.

use std::os::fd::RawFd;

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, c_int, c_long, sock_filter, sock_fprog,
};

/// What becomes of a forbidden call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It fails with this `errno`.
    Fail(c_int),
    /// It kills the process, with `SIGSYS`.
    Kill,
}

/// Offset of the call's number in `struct seccomp_data` (linux/seccomp.h).
pub(crate) const NUMBER: u32 = 0;

/// Returns the offset of the low half of an argument.
pub(crate) const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

pub(crate) fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

pub(crate) fn jump(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | code | BPF_K) as u16, jt, jf, k }
}

/// Installs a filter for this thread. Returns the supervisor's descriptor, if `flags` request one.
pub(crate) fn install(filter: &[sock_filter], flags: u64) -> RawFd {
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: it sets a flag of this thread.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(done, 0);
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel copies the program, which lives until the call returns.
    let fd = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    assert!(fd >= 0, "seccomp: {}", std::io::Error::last_os_error());
    fd as RawFd
}

/// Forbids a system call from now on to this thread and the threads that it starts, if all of these
/// bits are set in the argument with this index.
pub fn forbid(call: c_long, (index, bits): (u32, u32), action: Action) {
    let action = match action {
        Action::Fail(errno) => SECCOMP_RET_ERRNO | errno as u32,
        Action::Kill => SECCOMP_RET_KILL_PROCESS,
    };
    install(
        &[
            statement(BPF_LD | BPF_W | BPF_ABS, NUMBER),
            jump(BPF_JEQ, call as u32, 0, 4),
            statement(BPF_LD | BPF_W | BPF_ABS, argument(index)),
            statement(BPF_ALU | BPF_AND | BPF_K, bits),
            jump(BPF_JEQ, bits, 0, 1),
            statement(BPF_RET | BPF_K, action),
            statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        ],
        0,
    );
}

/// Allows only these system calls from now on, to this thread and the threads that it starts. Any
/// other kills the process.
pub fn allow_only(calls: &[c_long]) {
    let mut filter = vec![statement(BPF_LD | BPF_W | BPF_ABS, NUMBER)];
    for call in calls {
        filter.push(jump(BPF_JEQ, *call as u32, 0, 1));
        filter.push(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    filter.push(statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    install(&filter, 0);
}

/// Makes `mprotect` of code fail from now on, for this thread and the threads that it starts.
pub fn refuse_code(errno: c_int) {
    forbid(libc::SYS_mprotect, (2, libc::PROT_EXEC as u32), Action::Fail(errno));
}
