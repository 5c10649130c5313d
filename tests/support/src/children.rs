//! Forks, with and without the handlers that a program registered.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Forks with `fork(2)`.
pub fn fork() -> i32 {
    // SAFETY: the child continues only in this test, and leaves by `exit`.
    let child = unsafe { libc::fork() };
    begin(child)
}

/// Forks with only the system call, so that no handler runs.
pub fn fork_without_handlers() -> i32 {
    // SAFETY: as above; the test's other threads wait, and hold no lock of the allocator.
    let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    begin(child as i32)
}

/// Forks with `fork(2)`. The child runs `body`, and exits with 0 if that does not panic.
pub fn child(body: impl FnOnce()) -> i32 {
    live(fork(), body)
}

/// The same with only the system call, so that no handler runs.
pub fn child_without_handlers(body: impl FnOnce()) -> i32 {
    live(fork_without_handlers(), body)
}

fn live(child: i32, body: impl FnOnce()) -> i32 {
    if child == 0 {
        exit(i32::from(catch_unwind(AssertUnwindSafe(body)).is_err()));
    }
    child
}

fn begin(child: i32) -> i32 {
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // Kills a child that waits for ever.
        // SAFETY: it sets a timer of the child.
        unsafe { libc::alarm(20) };
    }
    child
}

/// Ends this process immediately.
pub fn exit(code: i32) -> ! {
    // SAFETY: it ends this process.
    unsafe { libc::_exit(code) }
}

/// Waits for a child, and returns its exit code, or -1 if it was killed.
pub fn code(child: i32) -> i32 {
    let mut status = 0;
    // SAFETY: the status lives until the call returns.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 }
}

/// Waits for a child, which must exit with 0.
pub fn wait(child: i32) {
    let mut status = 0;
    // SAFETY: the status lives until the call returns.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } != child {
        assert_eq!(std::io::Error::last_os_error().kind(), std::io::ErrorKind::Interrupted);
    }
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "child: status {status:#x}");
}

/// Stops this child until its parent calls [`go_on`]. It ends if the parent's test ends before.
fn stop() {
    // SAFETY: it chooses the signal that this process gets when its parent's thread ends.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: it stops this process.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Fails unless results are one of these, and stay the same while this child is stopped.
pub fn stop_between<R: Debug + PartialEq>(results: impl Fn() -> R, legal: &[R]) {
    let before = results();
    assert!(legal.contains(&before), "half an update");
    stop();
    assert_eq!(results(), before, "what the parent stored since");
}

/// Waits until a child has stopped itself.
pub fn wait_until_stopped(child: i32) {
    let mut status = 0;
    // SAFETY: the status lives until the call returns.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, libc::WUNTRACED) }, child);
    assert!(libc::WIFSTOPPED(status), "child: status {status:#x}");
}

/// Continues a child that has stopped, and waits for it. It must exit with 0.
pub fn go_on(child: i32) {
    // SAFETY: the child is not waited for yet, so no other process has its number.
    assert_eq!(unsafe { libc::kill(child, libc::SIGCONT) }, 0);
    wait(child);
}
