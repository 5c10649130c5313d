//! A page of veneers.

use core::ptr::{NonNull, with_exposed_provenance, with_exposed_provenance_mut};

use crate::arch::native::{TRAP, translations};
use crate::sys::code_file::CodeFile;
use crate::sys::{self, PAGE, Protection};

/// A page of veneers. INV-VENEER: mapped as long as the image, at an address that was free.
#[derive(Clone, Copy)]
pub(super) struct Page {
    address: usize,
    /// The memory that replaces the page when it is closed, while it is not written in place.
    draft: Option<NonNull<u8>>,
    /// A copy of what was executed when the last barrier ran, if the page has been opened since.
    before: Option<NonNull<u8>>,
    state: State,
}

/// What may be done with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is writable and was never executable.
    New,
    /// It is executable, and is written in place or has a draft.
    Open,
    /// It is executable.
    Ready,
}

/// Which bytes of a page are meant. They differ while it has a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// What it was given.
    Written,
    /// What threads can execute.
    Executed,
    /// What threads could execute when the last barrier ran.
    Settled,
}

impl Page {
    /// The filler of unused room.
    pub(super) const NONE: Self =
        Self { address: 0, draft: None, before: None, state: State::Ready };

    /// Maps a page of traps at this address, if nothing is mapped there.
    ///
    /// # Errors
    ///
    /// The `errno` of the mapping.
    pub(super) fn map(address: usize) -> Result<Self, i32> {
        sys::map_page(address)?;
        let to: *mut u8 = with_exposed_provenance_mut(address);
        // SAFETY: INV-VENEER: the page was mapped writable just now, and nothing else uses it.
        unsafe { to.write_bytes(TRAP, PAGE) };
        Ok(Self { address, draft: None, before: None, state: State::New })
    }

    pub(super) fn address(&self) -> usize {
        self.address
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn is_executable(&self) -> bool {
        self.state != State::New
    }

    /// Returns whether it can be executed and written at one address.
    pub(super) fn is_left_open(&self) -> bool {
        self.state == State::Open && self.draft.is_none()
    }

    /// Returns the bytes at an address in this page.
    ///
    /// # Panics
    ///
    /// Panics if they do not lie in this page. That is a bug.
    pub(super) fn read<const N: usize>(&self, address: u64, view: View) -> [u8; N] {
        let start = match view {
            View::Written => self.writable(),
            _ if !self.is_executable() => return [TRAP; N],
            View::Executed => self.address,
            View::Settled => {
                self.before.map_or(self.address, |before| before.as_ptr().expose_provenance())
            }
        };
        let from: *const [u8; N] = with_exposed_provenance(start + self.offset(address, N));
        // SAFETY: INV-VENEER: the page and its copies are mapped and readable, the bytes lie in
        // them, and only the holder of the lock writes there.
        unsafe { from.read_unaligned() }
    }

    /// Writes code over traps in an open page.
    ///
    /// # Panics
    ///
    /// Panics if it does not lie in this page. That is a bug.
    pub(super) fn write(&mut self, address: u64, code: &[u8]) {
        debug_assert!(self.state != State::Ready, "{address:#x} is not writable");
        let at = self.writable() + self.offset(address, code.len());
        let to: *mut u8 = with_exposed_provenance_mut(at);
        // SAFETY: INV-VENEER: the page or its draft is writable and the bytes lie in it. They are
        // traps, to which no instruction leads.
        unsafe { to.copy_from_nonoverlapping(code.as_ptr(), code.len()) };
    }

    /// Notes that a barrier ran. What is in a draft is not executed yet.
    pub(super) fn settle(&mut self) {
        if self.draft.is_none() {
            free(self.before.take());
        }
    }

    /// Copies what is executed.
    fn copy(&self) -> Result<NonNull<u8>, i32> {
        let copy = sys::allocate(PAGE)?;
        let from: *const u8 = with_exposed_provenance(self.address);
        // SAFETY: INV-VENEER: the page is mapped and readable, and the copy is new.
        unsafe { copy.as_ptr().copy_from_nonoverlapping(from, PAGE) };
        Ok(copy)
    }

    /// Returns the address of the memory that is written while the page is open.
    fn writable(&self) -> usize {
        self.draft.map_or(self.address, |draft| draft.as_ptr().expose_provenance())
    }

    fn offset(&self, address: u64, length: usize) -> usize {
        let offset = (address as usize).wrapping_sub(self.address);
        assert!(offset <= PAGE - length, "{address:#x} is not in the page");
        offset
    }

    /// Makes the page writable, in place or as a draft, and keeps a copy of what is executed.
    ///
    /// # Errors
    ///
    /// The `errno` of `mprotect(2)`, or of `mmap(2)` for the copy and the draft.
    pub(super) fn open(&mut self, is_aliased: bool) -> Result<(), i32> {
        if self.state == State::New {
            return Ok(());
        }
        if self.before.is_none() {
            self.before = Some(self.copy()?);
        }
        if self.state == State::Open {
            return Ok(());
        }
        if is_aliased {
            self.draft = Some(self.copy()?);
        } else {
            // SAFETY: INV-VENEER: this is a page of veneers, which stays executable.
            unsafe { sys::protect(self.address, PAGE, Protection::OPEN) }?;
        }
        self.state = State::Open;
        Ok(())
    }

    /// Makes the page executable and read-only: it gets that protection, or is replaced by a copy
    /// of what was written.
    ///
    /// # Errors
    ///
    /// The `errno` of `mprotect(2)`, or of what a copy needs. The page stays as it is.
    pub(super) fn close(&mut self, is_aliased: bool) -> Result<(), i32> {
        if self.state == State::Ready {
            return Ok(());
        }
        translations::forget(self.address, PAGE);
        if is_aliased {
            let mut file = CodeFile::create()?;
            // SAFETY: INV-COPY: this is a page of veneers or its draft, and only the holder of the
            // lock writes there.
            let offset = unsafe { file.append(self.writable(), PAGE) }?;
            // SAFETY: INV-COPY: this is a page of veneers, and its copy has more of them in place
            // of traps.
            unsafe { file.replace(offset, self.address, PAGE) }?;
            free(self.draft.take());
        } else {
            // SAFETY: INV-VENEER: this is a page of veneers, which becomes or stays executable.
            unsafe { sys::protect(self.address, PAGE, Protection::CLOSED) }?;
        }
        self.state = State::Ready;
        Ok(())
    }

    /// Assumes that an executable page is also writable, in place.
    pub(super) fn doubt(&mut self) {
        if self.state == State::Ready {
            self.state = State::Open;
        }
    }

    /// Unmaps the page.
    ///
    /// # Safety
    ///
    /// 1. No thread executes or uses it any more, and it is not unmapped yet.
    pub(super) unsafe fn unmap(&mut self) {
        free(self.draft.take());
        free(self.before.take());
        // SAFETY: INV-VENEER: this is a page of `map`, no longer in use (promise 1).
        unsafe { sys::unmap_page(self.address) };
    }
}

fn free(copy: Option<NonNull<u8>>) {
    if let Some(copy) = copy {
        // SAFETY: INV-VENEER: it was allocated by `Page::copy`, and nothing uses it any more.
        unsafe { sys::free(copy, PAGE) };
    }
}
