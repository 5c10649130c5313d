//! A page of veneers.

use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

use crate::arch::native::{TRAP, translations};
use crate::sys::{self, PAGE, Protection};

/// A page of veneers. INV-VENEER: mapped as long as the image, at an address that was free.
#[derive(Clone, Copy)]
pub(super) struct Page {
    address: usize,
    state: State,
}

/// What may be done with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is writable and was never executable.
    New,
    /// It is writable and executable.
    Open,
    /// It is executable.
    Ready,
}

impl Page {
    /// The filler of unused room.
    pub(super) const NONE: Self = Self { address: 0, state: State::Ready };

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
        Ok(Self { address, state: State::New })
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

    /// Returns the bytes at an address in this page.
    ///
    /// # Panics
    ///
    /// Panics if they do not lie in this page. That is a bug.
    pub(super) fn read<const N: usize>(&self, address: u64) -> [u8; N] {
        let from: *const [u8; N] = with_exposed_provenance(self.checked(address, N));
        // SAFETY: INV-VENEER: the page is mapped and readable, the bytes lie in it, and only the
        // holder of the lock writes there.
        unsafe { from.read_unaligned() }
    }

    /// Writes code over traps in an open page.
    ///
    /// # Panics
    ///
    /// Panics if it does not lie in this page. That is a bug.
    pub(super) fn write(&mut self, address: u64, code: &[u8]) {
        debug_assert!(self.state != State::Ready, "{address:#x} is not writable");
        let to: *mut u8 = with_exposed_provenance_mut(self.checked(address, code.len()));
        // SAFETY: INV-VENEER: the page is writable and the bytes lie in it. They are traps, to
        // which no instruction leads.
        unsafe { to.copy_from_nonoverlapping(code.as_ptr(), code.len()) };
    }

    fn checked(&self, address: u64, length: usize) -> usize {
        let offset = (address as usize).wrapping_sub(self.address);
        assert!(offset <= PAGE - length, "{address:#x} is not in the page");
        address as usize
    }

    /// Makes the page writable.
    ///
    /// # Errors
    ///
    /// The `errno` of `mprotect(2)`.
    pub(super) fn open(&mut self) -> Result<(), i32> {
        if self.state == State::Ready {
            // SAFETY: INV-VENEER: this is a page of veneers, which stays executable.
            unsafe { sys::protect(self.address, PAGE, Protection::OPEN) }?;
            self.state = State::Open;
        }
        Ok(())
    }

    /// Makes the page executable and read-only.
    ///
    /// # Errors
    ///
    /// The `errno` of `mprotect(2)`. The page stays as it is.
    pub(super) fn close(&mut self) -> Result<(), i32> {
        if self.state != State::Ready {
            translations::forget(self.address, PAGE);
            // SAFETY: INV-VENEER: this is a page of veneers, which becomes or stays executable.
            unsafe { sys::protect(self.address, PAGE, Protection::CLOSED) }?;
            self.state = State::Ready;
        }
        Ok(())
    }

    /// Assumes that an executable page is also writable.
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
        // SAFETY: INV-VENEER: this is a page of `map`, no longer in use (promise 1).
        unsafe { sys::unmap_page(self.address) };
    }
}
