//! Forks, with and without the handlers that a program registered.

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
pub fn stop() {
    // SAFETY: it chooses the signal that this process gets when its parent's thread ends.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: it stops this process.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Waits until a child has called [`stop`].
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
