//! Veneers: eight bytes of code, made at run time, that jump through a key's slot. A call
//! instruction that is retargeted in steps leads to them in between.
//!
//! A veneer stays as long as its image, because a thread may have been preempted before its first
//! instruction. The memory is its own record: the bytes at an address say whose veneer is there.

mod areas;
mod page;

pub(crate) use areas::{Areas, LAYERS};
use page::{Page, State};

use crate::arch::native::{TRAP, VENEER_SIZE, veneer};
use crate::patching::arena::{ALIGNMENT, Arena, Memory};
use crate::sys::{NO_MEMORY, PAGE};

/// Pages of veneers that an image may have, so that it leaves mappings to the program
/// (`vm.max_map_count`, 65,530 by default).
const MOST_PAGES: usize = 1 << 14;

/// All veneers of an image. INV-VENEER: only [`Veneers::make`] writes into their pages.
pub(crate) struct Veneers {
    pub(crate) areas: Areas,
    /// Room for pages; the first `count` are in use, sorted by address.
    pages: &'static mut [Page],
    count: usize,
    /// The memory of `pages`.
    memory: Option<Memory>,
    /// Number of pages that are not ready.
    unfinished: usize,
    /// For each key and split, whether the veneers of its trampolines were made.
    pub(crate) homes: &'static mut [[bool; 3]],
    /// The `errno` of the last page that could not be had.
    pub(crate) refused: Option<i32>,
}

/// Where a veneer may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Only in a page that no thread can execute yet. A call may lead to such a veneer by the first
    /// step.
    New,
    /// Also in a page that is executed. A call leads to such a veneer only after a barrier.
    Any,
}

impl Veneers {
    /// Returns the bytes of the arena that this needs, besides the veneers.
    pub(crate) fn size(keys: usize) -> usize {
        keys * size_of::<[bool; 3]>() + ALIGNMENT
    }

    /// Returns no veneers, for an image with these bounds and this number of keys.
    pub(crate) fn new(arena: &mut Arena, (start, end): (u64, u64), keys: usize) -> Self {
        let homes = arena.slice(keys, |_| [false; 3]);
        Self { areas: Areas::new(start, end), homes, ..Self::bare() }
    }

    /// Returns no veneers, for no image.
    pub(crate) fn bare() -> Self {
        Self {
            areas: Areas::new(0, 0),
            pages: &mut [],
            count: 0,
            memory: None,
            unfinished: 0,
            homes: &mut [],
            refused: None,
        }
    }

    /// Returns how many pages of memory the veneers take.
    #[cfg(feature = "std")]
    pub(crate) fn pages(&self) -> usize {
        self.count
    }

    /// Returns whether a key's veneer is at `address`, ready to be executed.
    pub(crate) fn is_ready(&self, address: u64, slot: u64) -> bool {
        let Ok(i) = self.find(address) else { return false };
        let page = &self.pages[i];
        page.is_executable() && fits(address) && Some(page.read(address)) == veneer(address, slot)
    }

    /// Makes a key's veneer at `address`, unless it is there already. Returns false if the address
    /// is taken, or memory is refused. The veneer is ready after [`Veneers::finish`].
    pub(crate) fn make(&mut self, address: u64, slot: u64, room: Room) -> bool {
        let Some(code) = veneer(address, slot).filter(|_| fits(address)) else { return false };
        let i = match self.find(address) {
            Ok(i) => i,
            Err(i) => {
                if let Err(errno) = self.add(i, address) {
                    self.refused = Some(errno);
                    return false;
                }
                i
            }
        };
        let page = &mut self.pages[i];
        let found = page.read(address);
        if found == code {
            return true;
        }
        // A range of traps overlaps no veneer.
        if found != [TRAP; VENEER_SIZE as usize] || room == Room::New && page.is_executable() {
            return false;
        }
        let was_ready = page.state() == State::Ready;
        match page.open() {
            Ok(()) => self.unfinished += usize::from(was_ready),
            Err(errno) => {
                self.refused = Some(errno);
                return false;
            }
        }
        page.write(address, code);
        true
    }

    /// Makes all pages executable and read-only. Those that the system refuses stay as they are;
    /// the next call tries again.
    pub(crate) fn finish(&mut self) {
        if self.unfinished == 0 {
            return;
        }
        let mut unfinished = 0;
        for page in &mut self.pages[..self.count] {
            if let Err(errno) = page.close() {
                self.refused = Some(errno);
                unfinished += 1;
            }
        }
        self.unfinished = unfinished;
    }

    /// Closes all pages, whatever a holder of the lock that never finished did with them.
    pub(crate) fn recover(&mut self) {
        for page in &mut self.pages[..self.count] {
            page.doubt();
        }
        self.unfinished = self.count;
        self.finish();
    }

    /// Frees all memory.
    ///
    /// # Safety
    ///
    /// 1. No code of this image runs any more.
    pub(crate) unsafe fn free(self) {
        for page in &mut self.pages[..self.count] {
            // SAFETY: INV-VENEER: only code of this image leads to veneers (promise 1).
            unsafe { page.unmap() };
        }
        if let Some(memory) = self.memory {
            // SAFETY: INV-ARENA: `pages` is its only slice and ends with `self`.
            unsafe { memory.free() };
        }
    }

    /// Returns the index of the page with this address, or where it would be.
    fn find(&self, address: u64) -> Result<usize, usize> {
        let first = address as usize & !(PAGE - 1);
        self.pages[..self.count].binary_search_by_key(&first, Page::address)
    }

    /// Maps the page with this address, which belongs at index `i`.
    fn add(&mut self, i: usize, address: u64) -> Result<(), i32> {
        if self.count == self.pages.len() {
            self.grow()?;
        }
        let page = Page::map(address as usize & !(PAGE - 1))?;
        self.pages.copy_within(i..self.count, i + 1);
        self.pages[i] = page;
        self.count += 1;
        self.unfinished += 1;
        Ok(())
    }

    /// Makes room for more pages.
    fn grow(&mut self) -> Result<(), i32> {
        let room = (2 * self.count).max(64);
        if room > MOST_PAGES {
            return Err(NO_MEMORY);
        }
        let mut arena = Arena::new(room * size_of::<Page>() + ALIGNMENT)?;
        let memory = arena.memory();
        let old = &self.pages[..self.count];
        let pages = arena.slice(room, |i| old.get(i).copied().unwrap_or(Page::NONE));
        let before = self.memory.replace(memory);
        self.pages = pages;
        if let Some(before) = before {
            // SAFETY: INV-ARENA: `pages` was its only slice and was replaced.
            unsafe { before.free() };
        }
        Ok(())
    }
}

/// Returns whether a veneer at this address lies in one page.
fn fits(address: u64) -> bool {
    address % PAGE as u64 <= PAGE as u64 - VENEER_SIZE
}
