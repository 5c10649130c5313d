//! Linux: anonymous files with copies of code, so that pages are replaced where they may not be
//! made writable. And signals, which wait meanwhile.

use core::ptr::{null_mut, with_exposed_provenance, without_provenance_mut};
use core::slice;

use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};
use rustix::io::{Errno, pread, pwrite};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::process::{Resource, getrlimit};

use super::PAGE;

/// A file in memory that holds copies of pages of code.
pub(crate) struct CodeFile {
    descriptor: OwnedFd,
    length: usize,
}

impl CodeFile {
    /// Creates an empty file, which may be mapped executable.
    ///
    /// # Errors
    ///
    /// The `errno` of `memfd_create(2)`.
    pub(crate) fn create() -> Result<Self, i32> {
        let create = |flags| memfd_create(c"static-call", flags | MemfdFlags::CLOEXEC);
        let descriptor = match create(MemfdFlags::EXEC) {
            // Before Linux 6.3 such files are always executable.
            Err(Errno::INVAL) => create(MemfdFlags::empty()),
            result => result,
        };
        Ok(Self { descriptor: descriptor.map_err(Errno::raw_os_error)?, length: 0 })
    }

    /// Returns the number of its bytes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Appends a copy of whole pages. Returns its offset.
    ///
    /// # Errors
    ///
    /// The `errno` of `pwrite(2)`, `EFBIG` if a limit of the process forbids a file of this size.
    ///
    /// # Safety
    ///
    /// 1. The pages are mapped and readable, and this process does not write to them meanwhile.
    pub(crate) unsafe fn append(&mut self, address: usize, length: usize) -> Result<usize, i32> {
        let offset = self.length;
        // A write beyond the limit would be a signal that ends the process.
        let limit = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
        if (offset + length) as u64 > limit {
            return Err(Errno::FBIG.raw_os_error());
        }
        let start: *const u8 = with_exposed_provenance(address);
        // SAFETY: INV-COPY: the pages are readable, and do not change (promise 1). A debugger may
        // change them; only the kernel reads this slice.
        let mut left = unsafe { slice::from_raw_parts(start, length) };
        while !left.is_empty() {
            match pwrite(&self.descriptor, left, self.length as u64) {
                Ok(0) => return Err(Errno::NOSPC.raw_os_error()),
                Ok(written) => {
                    left = &left[written..];
                    self.length += written;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.raw_os_error()),
            }
        }
        Ok(offset)
    }

    /// Replaces pages by their copy at `offset`, readable and executable. Threads may execute them
    /// meanwhile: one that has no page at that moment waits in the kernel until it has the copy.
    ///
    /// The mapping is private, so that a debugger can set breakpoints in it.
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)`.
    ///
    /// # Safety
    ///
    /// 1. The pages are code of this image, or pages of [`map_page`](super::map_page).
    /// 2. The bytes at `offset` are the same, except for veneers that nothing executes yet.
    pub(crate) unsafe fn replace(
        &self,
        offset: usize,
        address: usize,
        length: usize,
    ) -> Result<(), i32> {
        debug_assert!(address.is_multiple_of(PAGE), "{address:#x} is not the start of a page");
        let at = without_provenance_mut(address);
        let rights = ProtFlags::READ | ProtFlags::EXEC;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: INV-COPY: executable pages (promise 1) are replaced by the same code (promise 2).
        unsafe { mmap(at, length, rights, flags, &self.descriptor, offset as u64) }
            .map(drop)
            .map_err(Errno::raw_os_error)
    }

    /// Maps the whole file at a free address, readable and writable. What is written there appears
    /// where its pages replaced others. Returns the address.
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)`.
    pub(crate) fn map_writable(&self) -> Result<usize, i32> {
        let rights = ProtFlags::READ | ProtFlags::WRITE;
        // Present from the start, so that no store has to wait for a page.
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: INV-COPY: a new mapping overlaps nothing.
        unsafe { mmap(null_mut(), self.length, rights, flags, &self.descriptor, 0) }
            .map(|memory| memory.expose_provenance())
            .map_err(Errno::raw_os_error)
    }
}

/// Unmaps the writable mapping of a file.
///
/// # Errors
///
/// The `errno` of `munmap(2)`. The mapping stays.
///
/// # Safety
///
/// 1. It is a mapping of [`CodeFile::map_writable`] that is not unmapped yet, and nothing uses it.
pub(crate) unsafe fn unmap_writable(address: usize, length: usize) -> Result<(), i32> {
    // SAFETY: INV-COPY: no longer in use (promise 1).
    unsafe { munmap(without_provenance_mut(address), length) }.map_err(Errno::raw_os_error)
}

/// What the kernel knows of the pages of this process (`/proc/self/pagemap`).
pub(crate) struct Pagemap(OwnedFd);

impl Pagemap {
    // Bits of an entry (linux/Documentation/admin-guide/mm/pagemap.rst).
    const FILE: u64 = 1 << 61;
    const SWAPPED: u64 = 1 << 62;
    const PRESENT: u64 = 1 << 63;

    /// # Errors
    ///
    /// The `errno` of `open(2)`.
    pub(crate) fn open() -> Result<Self, i32> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let map = open(c"/proc/self/pagemap", flags, Mode::empty());
        map.map(Self).map_err(Errno::raw_os_error)
    }

    /// Returns the first of these pages that is a private copy of a page of its file: somebody has
    /// written to it, such as a debugger or a uprobe.
    ///
    /// # Errors
    ///
    /// The `errno` of `pread(2)`.
    pub(crate) fn changed(&self, address: usize, length: usize) -> Result<Option<usize>, i32> {
        for page in (address..address + length).step_by(PAGE) {
            let mut entry = [0; 8];
            let offset = (page / PAGE * entry.len()) as u64;
            match pread(&self.0, &mut entry, offset) {
                Ok(8) => {}
                Ok(_) => return Err(Errno::IO.raw_os_error()),
                Err(errno) => return Err(errno.raw_os_error()),
            }
            let entry = u64::from_ne_bytes(entry);
            // A page of a file that is just moved in memory counts as swapped, too.
            let is_somewhere = entry & (Self::PRESENT | Self::SWAPPED) != 0;
            if is_somewhere && entry & Self::FILE == 0 {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}

/// Returns whether a debugger is attached, as far as the system says so.
pub(crate) fn is_traced() -> bool {
    const NAME: &[u8] = b"TracerPid:\t";
    let mut text = [0; 1024];
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let Ok(file) = open(c"/proc/self/status", flags, Mode::empty()) else { return false };
    let Ok(length) = pread(&file, &mut text, 0) else { return false };
    let at = text[..length].windows(NAME.len()).position(|window| window == NAME);
    at.and_then(|at| text[..length].get(at + NAME.len())).is_some_and(|&digit| digit != b'0')
}

/// The `errno` of pages that may not be replaced.
pub(crate) const NO_ACCESS: i32 = Errno::ACCESS.raw_os_error();

/// The signals that a thread blocks (`sigset_t` of glibc and musl).
#[cfg(feature = "std")]
pub(crate) struct Signals([u64; 16]);

#[cfg(feature = "std")]
impl Signals {
    /// Blocks all signals of this thread, except those that its own instructions cause. Returns
    /// those that were blocked before.
    pub(crate) fn block() -> Self {
        const BLOCK: i32 = 0;
        // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV and SIGSYS.
        const OWN: u64 = 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 30;
        let mut all = Self([0; 16]);
        all.0[0] = !OWN;
        let mut before = Self([0; 16]);
        all.set(BLOCK, Some(&mut before));
        before
    }

    /// Blocks these signals, and no others.
    pub(crate) fn restore(&self) {
        const SET: i32 = 2;
        self.set(SET, None);
    }

    fn set(&self, how: i32, before: Option<&mut Self>) {
        unsafe extern "C" {
            fn pthread_sigmask(how: i32, set: *const u64, before: *mut u64) -> i32;
        }
        let before = before.map_or(null_mut(), |before| before.0.as_mut_ptr());
        // SAFETY: INV-COPY: libc reads one set, and writes another if there is a place for it. It
        // fails only for an unknown `how`.
        let _ = unsafe { pthread_sigmask(how, self.0.as_ptr(), before) };
    }
}

/// Nothing: without `std` there is no libc, whose own signals must not be blocked.
#[cfg(not(feature = "std"))]
pub(crate) struct Signals;

#[cfg(not(feature = "std"))]
impl Signals {
    pub(crate) fn block() -> Self {
        Self
    }

    pub(crate) fn restore(&self) {}
}
