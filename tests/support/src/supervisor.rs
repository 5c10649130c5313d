//! Control over the system calls of one thread: a seccomp filter reports `mprotect` of code,
//! `membarrier` and `futex` to a supervisor, which lets each continue or fail (seccomp_unotify(2)).
//! On request it also reports what an alias needs: files in memory, and mappings.

use std::mem::zeroed;
use std::os::fd::AsRawFd;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_USER_NOTIF, c_int, c_long, sock_filter,
};

use super::filter::{NUMBER, argument, install, jump, statement};

/// A system call that a thread is about to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `mprotect` of this executable's code, with this protection, which includes `PROT_EXEC`.
    Protect(u64),
    /// `mprotect` of other code, with this protection: of veneers.
    Veneers(u64),
    /// `membarrier` with this command.
    Barrier(u64),
    /// `futex` on this address.
    Futex(u64),
    /// Reported by [`supervise_memory`] only.
    Memory(Memory),
}

/// A system call that makes or changes a mapping, or that an alias needs besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// `memfd_create` with these flags.
    Create(u64),
    /// `pwrite` of this many bytes.
    Copy(u64),
    /// `mmap` with these rights and flags.
    Map(u64, u64),
    /// `munmap` of this many bytes.
    Unmap(u64),
    /// `openat`.
    Open,
    /// `pread` of this many bytes.
    Read(u64),
}

const MEMORY: [c_long; 6] = [
    libc::SYS_memfd_create,
    libc::SYS_pwrite64,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_openat,
    libc::SYS_pread64,
];

/// What happens to the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Continue,
    Fail(c_int),
}

/// Returns verdicts that refuse every barrier.
pub fn refuse_barriers(errno: c_int) -> impl Fn(Call) -> Verdict + Copy {
    move |call| match call {
        Call::Barrier(_) => Verdict::Fail(errno),
        _ => Verdict::Continue,
    }
}

/// Refuses mappings that are writable and executable, and to make one executable that was not, from
/// now on.
pub fn forbid_write_then_execute() {
    const PR_SET_MDWE: i32 = 65;
    const PR_MDWE_REFUSE_EXEC_GAIN: u64 = 1;
    // SAFETY: it only removes a permission from this process.
    let done = unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) };
    assert_eq!(done, 0, "PR_SET_MDWE: {}", std::io::Error::last_os_error());
}

/// Returns a filter that reports these calls, and `mprotect` of code.
fn reporting(calls: &[c_long]) -> Vec<sock_filter> {
    let mut filter = vec![statement(BPF_LD | BPF_W | BPF_ABS, NUMBER)];
    for (i, call) in calls.iter().enumerate() {
        filter.push(jump(BPF_JEQ, *call as u32, (calls.len() - i) as u8 + 3, 0));
    }
    filter.extend([
        jump(BPF_JEQ, libc::SYS_mprotect as u32, 0, 2),
        statement(BPF_LD | BPF_W | BPF_ABS, argument(2)),
        jump(BPF_JSET, libc::PROT_EXEC as u32, 1, 0),
        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        statement(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    ]);
    filter
}

/// Runs `body` on a new thread. Before each of its calls `decide` runs on this thread, while the
/// new one is stopped.
pub fn supervise<R: Send>(
    decide: impl FnMut(Call) -> Verdict,
    body: impl FnOnce() -> R + Send,
) -> R {
    supervise_calls(&[libc::SYS_membarrier, libc::SYS_futex], decide, body)
}

/// As [`supervise`], but `decide` also sees calls that make or change mappings.
pub fn supervise_memory<R: Send>(
    mut decide: impl FnMut(Call) -> Verdict,
    body: impl FnOnce() -> R + Send,
) -> R {
    let calls = [&[libc::SYS_membarrier][..], &MEMORY].concat();
    // The thread itself has stacks and other memory, which are none of this test's business.
    let is_inside = &AtomicBool::new(false);
    let decide = |call| match is_inside.load(Ordering::SeqCst) {
        true => decide(call),
        false => Verdict::Continue,
    };
    supervise_calls(&calls, decide, || {
        is_inside.store(true, Ordering::SeqCst);
        let result = body();
        is_inside.store(false, Ordering::SeqCst);
        result
    })
}

fn supervise_calls<R: Send>(
    calls: &[c_long],
    mut decide: impl FnMut(Call) -> Verdict,
    body: impl FnOnce() -> R + Send,
) -> R {
    let (sent, filter) = (&AtomicI32::new(-1), reporting(calls));
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            // This must not wait: the supervisor starts only when it has the descriptor.
            let fd = install(&filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
            sent.store(fd, Ordering::SeqCst);
            body()
        });
        let fd = loop {
            match sent.load(Ordering::SeqCst) {
                -1 => assert!(!thread.is_finished(), "the filter was refused"),
                fd => break fd,
            }
            thread::yield_now();
        };
        // SAFETY: the descriptor is new and has no other owner.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        while let Some((id, call)) = next(fd.as_raw_fd()) {
            let verdict = call.map_or(Verdict::Continue, &mut decide);
            answer(fd.as_raw_fd(), id, verdict);
        }
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Returns the next call, or `None` if the thread has ended.
fn next(fd: RawFd) -> Option<(u64, Option<Call>)> {
    loop {
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor, which lives until the call returns.
        let ready = unsafe { libc::poll(&raw mut poll, 1, 60_000) };
        assert_eq!(ready, 1, "a minute without a system call");
        if poll.revents & libc::POLLIN == 0 {
            return None;
        }
        // SAFETY: the struct has only integers, for which zero is valid.
        let mut request: libc::seccomp_notif = unsafe { zeroed() };
        // SAFETY: the kernel writes one request.
        let received = unsafe { libc::ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &raw mut request) };
        if received != 0 {
            continue;
        }
        let argument = request.data.args;
        let call = match c_long::from(request.data.nr) {
            libc::SYS_mprotect if is_own_code(argument[0]) => Some(Call::Protect(argument[2])),
            libc::SYS_mprotect => Some(Call::Veneers(argument[2])),
            libc::SYS_membarrier => Some(Call::Barrier(argument[0])),
            libc::SYS_futex => Some(Call::Futex(argument[0])),
            libc::SYS_memfd_create => Some(Call::Memory(Memory::Create(argument[1]))),
            libc::SYS_pwrite64 => Some(Call::Memory(Memory::Copy(argument[2]))),
            libc::SYS_mmap => Some(Call::Memory(Memory::Map(argument[2], argument[3]))),
            libc::SYS_munmap => Some(Call::Memory(Memory::Unmap(argument[1]))),
            libc::SYS_openat => Some(Call::Memory(Memory::Open)),
            libc::SYS_pread64 => Some(Call::Memory(Memory::Read(argument[2]))),
            _ => None,
        };
        return Some((request.id, call));
    }
}

/// Returns whether this executable is mapped at an address.
fn is_own_code(address: u64) -> bool {
    let exe = std::env::current_exe().expect("this test");
    let mut mappings = super::mappings().into_iter();
    let here = mappings.find(|m| (m.start..m.end).contains(&(address as usize)));
    here.is_some_and(|m| m.file == exe.to_string_lossy())
}

fn answer(fd: RawFd, id: u64, verdict: Verdict) {
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let (error, flags) = match verdict {
        Verdict::Continue => (0, flags),
        Verdict::Fail(errno) => (-errno, 0),
    };
    let mut response = libc::seccomp_notif_resp { id, val: 0, error, flags };
    // SAFETY: the kernel reads one response. It fails if the thread has ended, which is harmless.
    unsafe { libc::ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) };
}

/// `SECCOMP_IOWR(0, struct seccomp_notif)` and `SECCOMP_IOWR(1, struct seccomp_notif_resp)` of
/// linux/seccomp.h.
const SECCOMP_IOCTL_NOTIF_RECV: libc::Ioctl = request::<libc::seccomp_notif>(0);
const SECCOMP_IOCTL_NOTIF_SEND: libc::Ioctl = request::<libc::seccomp_notif_resp>(1);

const fn request<T>(number: u64) -> libc::Ioctl {
    (3 << 30 | (size_of::<T>() as u64) << 16 | (b'!' as u64) << 8 | number) as libc::Ioctl
}
