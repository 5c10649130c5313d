//! Limits on the memory of this process.

/// Keeps memory in the allocator, so that a limit does not end the process.
pub fn keep_memory() {
    for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it sets a parameter of the allocator.
        assert_eq!(unsafe { libc::mallopt(option, 1 << 30) }, 1);
    }
    drop(std::hint::black_box(vec![1_u8; 48 << 20]));
}

/// Runs `body` with a limit on a resource.
pub fn limited<R>(resource: libc::__rlimit_resource_t, limit: u64, body: impl FnOnce() -> R) -> R {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limits live until the call returns.
    assert_eq!(unsafe { libc::getrlimit(resource, &raw mut before) }, 0);
    let set = |limits: libc::rlimit| {
        // SAFETY: the limits live until the call returns.
        assert_eq!(unsafe { libc::setrlimit(resource, &raw const limits) }, 0);
    };
    set(libc::rlimit { rlim_cur: limit, ..before });
    let result = body();
    set(before);
    result
}
