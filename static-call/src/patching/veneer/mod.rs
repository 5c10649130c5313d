//! Veneers: eight bytes of code, made at run time, that jump through a key's slot. A call
//! instruction that is retargeted in steps leads to them in between.
//!
//! Where two veneers of one key would overlap, because the targets are less than eight bytes apart,
//! the first is a no-op before the second.
//!
//! A veneer stays as long as its image, because a thread may have been preempted before its first
//! instruction. The memory is its own record: the bytes at an address say whose veneer is there.

mod areas;
mod known;
mod page;
#[cfg(test)]
mod tests;

pub(crate) use areas::{Areas, SHARED_LAYERS, SLAB_ENTRIES};
pub(crate) use known::{Found, Known};
pub(crate) use page::View;
use page::{Page, State};

use core::cell::Cell;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::arch::native::{NOPS, TRAP, VENEER_SIZE, is_veneer, nop_length, veneer};
use crate::patching::arena::{ALIGNMENT, Arena, Memory};
use crate::sys::{NO_MEMORY, PAGE};

/// Pages of veneers that an image may have, so that it leaves mappings to the program
/// (`vm.max_map_count`, 65,530 by default).
const MOST_PAGES: usize = 1 << 14;
/// Pages that are found without a search.
const RECENT: usize = 1024;
/// Bytes of a veneer.
const SIZE: usize = VENEER_SIZE as usize;

/// All veneers of an image. INV-VENEER: only [`Veneers::make`] and [`Veneers::make_slab`] write
/// into their pages.
pub(crate) struct Veneers {
    pub(crate) areas: Areas,
    /// Room for pages; the first `count` are in use, sorted by address.
    pages: &'static mut [Page],
    count: usize,
    /// The index at which a page was found last, by the low bits of the page's number. It may be
    /// another page's by now.
    recent: &'static mut [Cell<u16>],
    /// The memory of `pages`.
    memory: Option<Memory>,
    /// Number of pages that are not ready.
    unfinished: usize,
    /// For each key and split, the layers in which the veneers of its trampolines were made.
    pub(crate) homes: &'static mut [[u8; 3]],
    /// What is known of the veneers of each call instruction.
    pub(crate) known: &'static mut [Cell<Known>],
    /// Whether a veneer was written in a page that is executed, and no barrier has run since. A
    /// first step must not lead to it.
    pub(crate) needs_barrier: bool,
    /// Whether any page has a copy of what was executed before.
    has_copies: bool,
    /// The `errno` of the last page that could not be had.
    pub(crate) refused: Option<i32>,
    /// Whether pages are never written in place once they are executed.
    pub(crate) is_aliased: bool,
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
    pub(crate) fn size(keys: usize, calls: usize) -> usize {
        keys * size_of::<[u8; 3]>()
            + calls * size_of::<Known>()
            + RECENT * size_of::<u16>()
            + 3 * ALIGNMENT
    }

    /// Returns whether a call instruction's veneers had no room when they were last looked for.
    pub(crate) fn have_no_room(&self, call: usize) -> bool {
        self.known.get(call).is_some_and(|known| known.get().found == Found::Hopeless)
    }

    /// Returns no veneers, for an image with these bounds and numbers of keys and of call
    /// instructions.
    pub(crate) fn new(
        arena: &mut Arena,
        (start, end): (u64, u64),
        (keys, calls): (usize, usize),
    ) -> Self {
        let homes = arena.slice(keys, |_| [0; 3]);
        let known = arena.slice(calls, |_| Cell::new(Known::NOTHING));
        let recent = arena.slice(RECENT, |_| Cell::new(0));
        Self { areas: Areas::new(start, end), homes, known, recent, ..Self::bare() }
    }

    /// Returns no veneers, for no image.
    pub(crate) fn bare() -> Self {
        Self {
            areas: Areas::new(0, 0),
            pages: &mut [],
            count: 0,
            recent: &mut [],
            memory: None,
            unfinished: 0,
            homes: &mut [],
            known: &mut [],
            needs_barrier: false,
            has_copies: false,
            refused: None,
            is_aliased: false,
        }
    }

    /// Returns how many pages of memory the veneers take.
    #[cfg(feature = "std")]
    pub(crate) fn pages(&self) -> usize {
        self.count
    }

    /// Returns how many pages can be executed and written.
    pub(crate) fn left_open(&self) -> usize {
        if self.unfinished == 0 {
            return 0;
        }
        self.pages[..self.count].iter().filter(|page| page.is_left_open()).count()
    }

    /// Returns whether a key's veneer is at `address`, ready to be executed.
    pub(crate) fn is_ready(&self, address: u64, slot: u64) -> bool {
        self.end_of(address, slot, View::Executed).is_some()
    }

    /// Returns whether a key's veneer at `address` is ready, and was when the last barrier ran: the
    /// first step of an update may lead there. A page that was new then, nobody has fetched from.
    pub(crate) fn is_settled(&self, address: u64, slot: u64) -> bool {
        self.end_of(address, slot, View::Settled).is_some()
    }

    /// Notes that a barrier ran.
    pub(crate) fn settle(&mut self) {
        self.needs_barrier = false;
        if self.has_copies {
            self.pages[..self.count].iter_mut().for_each(Page::settle);
            self.has_copies = self.unfinished > 0;
        }
    }

    /// Makes a key's veneer at `address`, unless it is there already. Returns false if the address
    /// is taken, or memory is refused. The veneer is ready after [`Veneers::finish`].
    pub(crate) fn make(&mut self, address: u64, slot: u64, room: Room) -> bool {
        if self.end_of(address, slot, View::Written).is_some() {
            return true;
        }
        let Some((code, length)) = self.code(address, slot) else { return false };
        match self.write(address, &code[..length], room) {
            Ok(is_written) => is_written,
            Err(errno) => {
                self.refused = Some(errno);
                false
            }
        }
    }

    /// Returns whether the first [`SLAB_ENTRIES`] addresses of this slab are veneers of a key.
    pub(crate) fn has_slab(&self, slab: u64, slot: u64) -> bool {
        self.is_slab(slab, slot, View::Written)
    }

    /// Returns whether they are ready to be executed.
    pub(crate) fn is_slab_ready(&self, slab: u64, slot: u64) -> bool {
        self.is_slab(slab, slot, View::Executed)
    }

    fn is_slab(&self, slab: u64, slot: u64, view: View) -> bool {
        let jump = slab + SLAB_ENTRIES;
        Some(self.read(jump, view)) == veneer(jump, slot)
    }

    /// Returns the addresses of the pages that can be executed.
    #[cfg(test)]
    pub(crate) fn executable(&self) -> impl Iterator<Item = u64> {
        let pages = self.pages[..self.count].iter();
        pages.filter(|page| page.is_executable()).map(|page| page.address() as u64)
    }

    /// Returns whether there is a page with this address.
    pub(crate) fn has_page(&self, address: u64) -> bool {
        self.find(address).is_ok()
    }

    /// Makes a slab, unless it is there already: no-ops of one byte, and a veneer. Returns false if
    /// it is taken, if its page is executed, or if memory is refused.
    pub(crate) fn make_slab(&mut self, slab: u64, slot: u64) -> bool {
        let jump = slab + SLAB_ENTRIES;
        if self.has_slab(slab, slot) {
            return true;
        }
        if self.code(jump, slot).is_none_or(|(_, length)| length != SIZE) {
            return false;
        }
        // The jump stands for its no-ops, so it comes after them: a child that is forked in between
        // must not see it alone.
        let written = self.write(slab, &[NOPS[1][0]; SLAB_ENTRIES as usize], Room::New);
        self.refused = written.err().or(self.refused);
        compiler_fence(Ordering::Release);
        written == Ok(true) && self.make(jump, slot, Room::New)
    }

    /// Returns the end of a key's veneer at `address`, if one is there: perhaps behind no-ops in
    /// the same page.
    fn end_of(&self, address: u64, slot: u64, view: View) -> Option<u64> {
        let mut at = address;
        loop {
            let found = self.read(at, view);
            if Some(found) == veneer(at, slot) {
                let end = at + VENEER_SIZE;
                return (at == address || page_of(address) == page_of(end - 1)).then_some(end);
            }
            at += nop_length(&found)? as u64;
        }
    }

    /// Returns the bytes that make a key's veneer at `address`, and their number: the whole
    /// veneer, or a no-op before one of this key. Where they go are traps.
    fn code(&self, address: u64, slot: u64) -> Option<([u8; SIZE], usize)> {
        let read = |address| self.read(address, View::Written);
        let found: [u8; SIZE] = read(address);
        let traps = found.iter().take_while(|&&byte| byte == TRAP).count();
        // A range of eight traps overlaps no veneer.
        if traps == SIZE {
            return Some((veneer(address, slot)?, SIZE));
        }
        // Fewer may be the displacement of another veneer.
        let is_inside = (1..VENEER_SIZE).any(|n| is_veneer(&read(address - n)));
        let end = self.end_of(address + traps as u64, slot, View::Written);
        let end = end.filter(|_| !is_inside)?;
        let mut code = [TRAP; SIZE];
        code[..traps].copy_from_slice(NOPS[traps]);
        (page_of(address) == page_of(end - 1)).then_some((code, traps))
    }

    /// Returns the bytes at `address`, which may lie in two pages. Where no page is, they are
    /// traps.
    pub(crate) fn read(&self, address: u64, view: View) -> [u8; SIZE] {
        match self.find(address) {
            Ok(i) if page_of(address) == page_of(address + VENEER_SIZE - 1) => {
                self.pages[i].read(address, view)
            }
            Err(_) if page_of(address) == page_of(address + VENEER_SIZE - 1) => [TRAP; SIZE],
            _ => core::array::from_fn(|n| {
                let at = address + n as u64;
                let [byte] = self.find(at).map_or([TRAP], |i| self.pages[i].read(at, view));
                byte
            }),
        }
    }

    /// Writes code over traps, in one page or two. Returns false if a page is executed where that
    /// may not be.
    fn write(&mut self, address: u64, code: &[u8], room: Room) -> Result<bool, i32> {
        let ends = [address, address + code.len() as u64 - 1];
        for end in ends {
            if let Err(i) = self.find(end) {
                self.add(i, end)?;
            }
        }
        let [Ok(i), Ok(j)] = ends.map(|end| self.find(end)) else { return Ok(false) };
        if room == Room::New && self.pages[i..=j].iter().any(Page::is_executable) {
            return Ok(false);
        }
        for page in &mut self.pages[i..=j] {
            self.needs_barrier |= page.is_executable();
            self.has_copies |= page.is_executable();
            let was_ready = page.state() == State::Ready;
            page.open(self.is_aliased)?;
            self.unfinished += usize::from(was_ready);
        }
        let (here, there) =
            code.split_at(code.len().min((page_of(address) + PAGE as u64 - address) as usize));
        self.pages[i].write(address, here);
        if !there.is_empty() {
            self.pages[j].write(ends[1] + 1 - there.len() as u64, there);
        }
        Ok(true)
    }

    /// Makes all pages executable and read-only. Those that the system refuses stay as they are;
    /// the next call tries again.
    pub(crate) fn finish(&mut self) {
        if self.unfinished == 0 {
            return;
        }
        let mut unfinished = 0;
        for page in &mut self.pages[..self.count] {
            let was_executed = page.state() == State::Open;
            match page.close(self.is_aliased) {
                // A barrier that ran meanwhile did not find what a draft had.
                Ok(()) => self.needs_barrier |= was_executed,
                Err(errno) => {
                    self.refused = Some(errno);
                    unfinished += 1;
                }
            }
        }
        self.unfinished = unfinished;
    }

    /// Closes all pages, whatever a holder of the lock that never finished did with them.
    pub(crate) fn recover(&mut self) {
        for page in &mut self.pages[..self.count] {
            if !self.is_aliased {
                page.doubt();
            }
        }
        self.known.fill_with(|| Cell::new(Known::NOTHING));
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
        let first = page_of(address) as usize;
        let pages = &self.pages[..self.count];
        let recent = self.recent.get(first / PAGE % RECENT);
        let last = recent.map_or(0, |recent| recent.get().into());
        if pages.get(last).is_some_and(|page| page.address() == first) {
            return Ok(last);
        }
        let found = pages.binary_search_by_key(&first, Page::address)?;
        // Every index fits: there are at most `MOST_PAGES`.
        if let Some(recent) = recent {
            recent.set(u16::try_from(found).unwrap_or_default());
        }
        Ok(found)
    }

    /// Maps the page with this address, which belongs at index `i`.
    fn add(&mut self, i: usize, address: u64) -> Result<(), i32> {
        if self.count == self.pages.len() {
            self.grow()?;
        }
        let page = Page::map(page_of(address) as usize)?;
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

/// Returns the address of the page in which an address lies.
fn page_of(address: u64) -> u64 {
    address & !(PAGE as u64 - 1)
}
