//! The pages of a batch: opened for its stores, then closed with the protection they were linked
//! with.

use crate::arch::native::translations;
use crate::patching::image::Image;
use crate::patching::pending::Run;
use crate::patching::plan::Store;
use crate::patching::registry::Registry;
use crate::patching::state::{Patching, State};
use crate::sys::{self, PAGE, Protection};

/// The error of pages that could not be opened.
pub(crate) struct Refused {
    /// Start of the first of them.
    pub(crate) address: usize,
    /// The `errno` of `mprotect`.
    pub(crate) errno: i32,
}

/// Opens the pages of all stores, or none of them.
pub(crate) fn open(state: &mut State, image: &Image) -> Result<(), Refused> {
    state.pending.collect_runs(|store| pages(image, store));
    for done in 0..state.pending.runs().len() {
        let Run { address, length, .. } = state.pending.runs()[done];
        // SAFETY: INV-PAGES: these are whole pages of this image's code; the call opens them.
        if let Err(errno) = unsafe { sys::protect(address, length, Protection::OPEN) } {
            // Part of this run may be open, so it is closed with the others.
            state.pending.keep_runs(done + 1);
            close(state);
            return Err(Refused { address, errno });
        }
    }
    Ok(())
}

/// Returns the pages that a store may touch.
fn pages(image: &Image, store: &Store) -> Option<Run> {
    // Whole quadwords, because a store may touch all of one.
    let first = store.address as usize & !7;
    let last = (store.address as usize + usize::from(store.length) - 1) | 7;
    let flags = image.code(store.address as usize, store.length.into())?;
    let address = first & !(PAGE - 1);
    let length = (last & !(PAGE - 1)) + PAGE - address;
    Some(Run { address, length, protection: Protection(flags) })
}

/// Closes the page runs of the batch, and remembers how many pages stay open.
pub(crate) fn close(state: &mut State) {
    let mut open = 0;
    for run in state.pending.runs() {
        translations::forget(run.address, run.length);
        // SAFETY: INV-PAGES: these are whole pages of this image's code; the call restores the
        // protection that they were linked with.
        if unsafe { sys::protect(run.address, run.length, run.protection) }.is_err() {
            open += run.length / PAGE;
        }
    }
    state.left.pages_open = open;
}

/// Closes all code if an earlier update could not close its pages.
pub(crate) fn close_leftovers(state: &mut State) {
    let Some(image) = state.registry.image.filter(|_| state.left.pages_open > 0) else { return };
    let closed = image.executable().all(|(start, end, flags)| {
        let start = start & !(PAGE - 1);
        let length = end.next_multiple_of(PAGE) - start;
        // SAFETY: INV-PAGES: as in `close`.
        unsafe { sys::protect(start, length, Protection(flags)) }.is_ok()
    });
    if closed {
        state.left.pages_open = 0;
    }
}

/// Opens and closes one real page of code: if the system refuses to patch code, it refuses here.
/// Also returns how many pages stay open: one, if the system refuses to close the page.
pub(crate) fn try_patching(image: &Image, registry: &Registry) -> (Patching, usize) {
    let trampolines = registry.trampolines.iter().filter(|t| t.fault.is_none()).map(|t| t.address);
    let labels = registry.labels.iter().filter(|l| l.fault.is_none()).map(|l| l.address);
    let Some(address) = trampolines.chain(labels).next() else { return (Patching::Works, 0) };
    let address = address as usize;
    let Some(flags) = image.code(address, 1) else { return (Patching::NoHeaders, 0) };
    let start = address & !(PAGE - 1);
    // SAFETY: INV-PAGES: this is a page of this image's code; the call opens it.
    if let Err(errno) = unsafe { sys::protect(start, PAGE, Protection::OPEN) } {
        return (Patching::Refused(errno), 0);
    }
    // SAFETY: INV-PAGES: this is the same page; the call restores the protection that it was linked
    // with.
    match unsafe { sys::protect(start, PAGE, Protection(flags)) } {
        Ok(()) => (Patching::Works, 0),
        Err(errno) => (Patching::Refused(errno), 1),
    }
}
