//! Linux: futex, `mprotect`, `membarrier`, identities, and the registry's memory.

use core::sync::atomic::AtomicU32;

use rustix::io::Errno;
use rustix::process::getpid;
use rustix::thread::{futex, gettid};

/// Returns the identity of this process, as this process sees it.
pub(crate) fn process() -> u32 {
    getpid().as_raw_nonzero().get().cast_unsigned()
}

/// Returns the identity of this thread: never 0, below 2^30 (`FUTEX_TID_MASK`, linux/futex.h).
pub(crate) fn thread() -> u32 {
    gettid().as_raw_nonzero().get().cast_unsigned()
}

/// Whether [`thread`] returns a different identity for each thread.
pub(crate) const KNOWS_THREADS: bool = true;

/// Sleeps while `word` is `value`. It may wake spuriously.
pub(crate) fn wait(word: &AtomicU32, value: u32) {
    match futex::wait(word, futex::Flags::PRIVATE, value, None) {
        Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
        // A filter forbids futex. Spinning is slow but correct.
        Err(_) => core::hint::spin_loop(),
    }
}

/// Wakes one thread that sleeps on `word`.
pub(crate) fn wake_one(word: &AtomicU32) {
    // A filter that forbids the call forbids the sleep, too.
    let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
}

/// Registers handlers that run around `fork` (POSIX, `pthread_atfork`).
#[cfg(feature = "std")]
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    unsafe extern "C" {
        safe fn pthread_atfork(
            prepare: extern "C" fn(),
            parent: extern "C" fn(),
            child: extern "C" fn(),
        ) -> core::ffi::c_int;
    }
    // It fails only if memory runs out. A child then finds the lock held by another process, and
    // takes it over (`lock/mod.rs`).
    let _ = pthread_atfork(prepare, parent, child);
}

/// Does nothing: without `std` there is no libc to register with. `lock/mod.rs` says what a child
/// does then.
#[cfg(not(feature = "std"))]
pub(crate) fn at_fork(
    _prepare: extern "C" fn(),
    _parent: extern "C" fn(),
    _child: extern "C" fn(),
) {
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
pub(crate) use code::*;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
mod code {
    use core::ptr::{NonNull, null_mut, without_provenance_mut};

    use rustix::io::Errno;
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
    use rustix::thread::{MembarrierCommand, membarrier};

    /// Bytes of a page (AMD APM vol. 2, 5.3). It is a constant and not read at run time: the
    /// auxiliary vector has it, but there rustix finds an address that valgrind has unmapped.
    pub(crate) const PAGE: usize = 4096;

    /// Protection of mapped code, encoded as the `p_flags` of its segment (gABI, "Segment
    /// Permissions").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Protection(pub(crate) u32);

    impl Protection {
        const EXECUTE: u32 = 1;
        const WRITE: u32 = 2;
        const READ: u32 = 4;

        /// Read, write and execute: without execute, threads that run in the page would fault.
        pub(crate) const OPEN: Self = Self(Self::EXECUTE | Self::WRITE | Self::READ);
        /// Read and execute, for code that this runtime made.
        pub(crate) const CLOSED: Self = Self(Self::EXECUTE | Self::READ);
    }

    /// Sets the protection of whole pages.
    ///
    /// # Errors
    ///
    /// The `errno` of `mprotect(2)`.
    ///
    /// # Safety
    ///
    /// 1. The pages are code of this image, or pages of [`map_page`].
    /// 2. `protection` is [`Protection::OPEN`], or the one that the pages' segment was linked with;
    ///    for pages of `map_page` [`Protection::CLOSED`].
    pub(crate) unsafe fn protect(
        address: usize,
        length: usize,
        protection: Protection,
    ) -> Result<(), i32> {
        debug_assert!(address.is_multiple_of(PAGE), "{address:#x} is not the start of a page");
        let mut flags = MprotectFlags::empty();
        flags.set(MprotectFlags::READ, protection.0 & Protection::READ != 0);
        flags.set(MprotectFlags::WRITE, protection.0 & Protection::WRITE != 0);
        flags.set(MprotectFlags::EXEC, protection.0 & Protection::EXECUTE != 0);
        // SAFETY: INV-PAGES, INV-VENEER: code (promise 1) stays or becomes readable and executable
        // (promise 2), so no thread faults.
        unsafe { mprotect(without_provenance_mut(address), length, flags) }
            .map_err(Errno::raw_os_error)
    }

    /// Maps a page of zeroes at `address`, readable and writable, if nothing is mapped there.
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)`, `EEXIST` if something is mapped there.
    pub(crate) fn map_page(address: usize) -> Result<(), i32> {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
        // SAFETY: INV-VENEER: with this flag a new mapping replaces nothing.
        let memory =
            unsafe { mmap_anonymous(without_provenance_mut(address), PAGE, rights, flags) };
        let found = memory.map_err(Errno::raw_os_error)?;
        if found.expose_provenance() == address {
            return Ok(());
        }
        // Before Linux 4.17 the address is only a hint.
        // SAFETY: INV-VENEER: the mapping was made just now, and nothing uses it.
        let _ = unsafe { munmap(found, PAGE) };
        Err(Errno::EXIST.raw_os_error())
    }

    /// Unmaps a page of [`map_page`].
    ///
    /// # Safety
    ///
    /// 1. The page was mapped by `map_page` and is not unmapped yet.
    /// 2. No thread executes or uses it any more.
    pub(crate) unsafe fn unmap_page(address: usize) {
        // SAFETY: INV-VENEER: a page of `map_page` (promise 1), no longer in use (promise 2). If
        // `munmap` fails, the mapping stays.
        let _ = unsafe { munmap(without_provenance_mut(address), PAGE) };
    }

    /// The `errno` of memory that cannot be had.
    pub(crate) const NO_MEMORY: i32 = Errno::NOMEM.raw_os_error();

    /// Makes [`barrier`] available to this process.
    ///
    /// # Errors
    ///
    /// The `errno` of `membarrier(2)`.
    pub(crate) fn register_barrier() -> Result<(), i32> {
        membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore).map_err(Errno::raw_os_error)
    }

    /// Makes every running thread of this process execute a core-serialising instruction.
    ///
    /// # Errors
    ///
    /// The `errno` of `membarrier(2)`, command `PRIVATE_EXPEDITED_SYNC_CORE`.
    pub(crate) fn barrier() -> Result<(), i32> {
        let run = || membarrier(MembarrierCommand::PrivateExpeditedSyncCore);
        match run() {
            // After a fork the child may have to register again.
            Err(Errno::PERM) if register_barrier().is_ok() => run(),
            result => result,
        }
        .map_err(Errno::raw_os_error)
    }

    /// Maps zeroed memory. It does not come from the allocator, which may be a static call's
    /// target.
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)`.
    pub(crate) fn allocate(length: usize) -> Result<NonNull<u8>, i32> {
        // SAFETY: INV-ARENA: a new anonymous mapping overlaps nothing.
        let memory = unsafe {
            mmap_anonymous(
                null_mut(),
                length.max(1),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        };
        let memory = memory.map_err(Errno::raw_os_error)?;
        NonNull::new(memory.cast()).ok_or(Errno::NOMEM.raw_os_error())
    }

    /// Frees memory of [`allocate`].
    ///
    /// # Safety
    ///
    /// 1. `start` and `length` belong to one call of `allocate`, and nothing uses the memory any
    ///    more.
    pub(crate) unsafe fn free(start: NonNull<u8>, length: usize) {
        // SAFETY: INV-ARENA: this is a mapping of `allocate`, no longer in use (promise 1). If
        // `munmap` fails, the mapping stays.
        let _ = unsafe { munmap(start.as_ptr().cast(), length.max(1)) };
    }
}
