//! The pages of a batch: opened for its stores, and closed as they were linked.

use crate::arch::native::translations;
use crate::patching::image::Image;
use crate::patching::registry::{Pending, Registry, Run};
use crate::sys::{self, PAGE, Protection};

/// Pages that could not be opened.
pub(crate) struct Refused {
    /// The first of them.
    pub(crate) address: usize,
    /// The `errno` of `mprotect`.
    pub(crate) errno: i32,
}

/// Opens the pages of all changes, or none of them.
pub(crate) fn open(registry: &mut Registry, image: &Image, count: usize) -> Result<usize, Refused> {
    let mut runs = 0;
    for Pending { change, .. } in &registry.pending[..count] {
        // The whole quadwords, because that is what a store may touch.
        let first = change.address as usize & !7;
        let last = (change.address as usize + usize::from(change.length) - 1) | 7;
        let Some(flags) = image.code(change.address as usize, change.length.into()) else {
            continue;
        };
        let address = first & !(PAGE - 1);
        let length = (last & !(PAGE - 1)) + PAGE - address;
        registry.runs[runs] = Run { address, length, protection: Protection(flags) };
        runs += 1;
    }
    let runs = merge(&mut registry.runs[..runs]);
    for done in 0..runs {
        let Run { address, length, .. } = registry.runs[done];
        // SAFETY: INV-PAGES: whole pages of this image's code, opened.
        if let Err(errno) = unsafe { sys::protect(address, length, Protection::OPEN) } {
            // The run itself may be open in part, and is closed with the others.
            registry.pages_left_open = close(registry, done + 1);
            return Err(Refused { address, errno });
        }
    }
    Ok(runs)
}

/// Sorts runs and joins those that touch and are protected alike; returns how many are left.
fn merge(runs: &mut [Run]) -> usize {
    runs.sort_unstable_by_key(|run| run.address);
    let mut last = 0;
    for i in 1..runs.len() {
        let (before, run) = (runs[last], runs[i]);
        let end = before.address + before.length;
        if run.address <= end && run.protection == before.protection {
            runs[last].length = end.max(run.address + run.length) - before.address;
        } else {
            last += 1;
            runs[last] = run;
        }
    }
    (last + 1).min(runs.len())
}

/// Closes the first `count` runs; returns the pages that stay open.
pub(crate) fn close(registry: &Registry, count: usize) -> usize {
    let mut open = 0;
    for run in &registry.runs[..count] {
        translations::forget(run.address, run.length);
        // SAFETY: INV-PAGES: whole pages of this image's code, as they were linked.
        if unsafe { sys::protect(run.address, run.length, run.protection) }.is_err() {
            open += run.length / PAGE;
        }
    }
    open
}

/// Closes all code if an update before this one could not close its pages.
pub(crate) fn close_leftovers(registry: &mut Registry) {
    let Some(image) = registry.image.filter(|_| registry.pages_left_open > 0) else { return };
    let closed = image.executable().all(|(start, end, flags)| {
        let start = start & !(PAGE - 1);
        let length = end.next_multiple_of(PAGE) - start;
        // SAFETY: INV-PAGES: whole pages of this image's code, as they were linked.
        unsafe { sys::protect(start, length, Protection(flags)) }.is_ok()
    });
    if closed {
        registry.pages_left_open = 0;
    }
}
