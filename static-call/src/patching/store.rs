//! Stores into code that other threads execute: one planned store after another, each by one
//! exchange.
//!
//! The next and last file on the way of an update is `arch/x86_64/store.rs`.

use crate::arch::native::store::{exchange_displacement, exchange_quadword};
use crate::patching::image::Image;
use crate::patching::plan::{Store, Width};
use crate::patching::state::State;

/// Makes the planned stores of a stage and notes them; returns how many failed because something
/// else had changed the bytes.
pub(crate) fn write_all(state: &mut State, image: &Image, stage: usize) -> usize {
    let mut lost = 0;
    let (pending, alias) = (&state.pending, &state.alias);
    let place = |at| alias.as_ref().map_or(at, |alias| alias.address + pending.offset(at));
    for planned in pending.stores(stage) {
        // INV-STEP: an instruction of which a step failed makes no further one.
        if !state.written.is_before(planned) {
            continue;
        }
        // SAFETY: INV-STORE: the plan's store into this image's code, whose pages are open, in
        // place or at their alias (INV-COPY).
        if unsafe { exchange(&planned.store, |at| image.quadword(at), place) } {
            state.written.note(&state.registry, planned);
        } else {
            lost += 1;
        }
    }
    lost
}

/// Makes one store. Returns false if its bytes changed since they were checked, or if it does not
/// show. `read` returns the aligned quadword at an address, if there is code. `place` returns where
/// code at an address is written.
///
/// # Safety
///
/// 1. `patching/plan` made the store.
/// 2. Its bytes, and the quadwords with them, lie in open pages of this image's code, or of the
///    probe. `place` leads to the same bytes of these pages.
pub(crate) unsafe fn exchange(
    store: &Store,
    read: impl Fn(usize) -> Option<u64>,
    place: impl Fn(usize) -> usize,
) -> bool {
    let (at, length) = match store.width {
        Width::Displacement(at) => (usize::from(at), 4),
        Width::Quadword => (0, usize::from(store.length)),
        Width::Part { at, length } => (usize::from(at), usize::from(length)),
    };
    let bits = u64::MAX >> (64 - 8 * length);
    let [old, new] = [store.old, store.new].map(|bytes| bytes >> (8 * at) & bits);
    let address = store.address as usize + at;
    let (quadword, shift) = (address & !7, 8 * (address & 7));
    debug_assert!(shift + 8 * length <= 64, "{store:x?} leaves its quadword");
    let part = |quadword: u64| quadword >> shift & bits;
    let mut is_made = false;
    if let Width::Displacement(_) = store.width {
        // SAFETY: INV-STORE: the grade is `quad` or `disp`, so the displacement lies in one
        // quadword (promise 1); its page is open (promise 2).
        is_made = unsafe { exchange_displacement(place(address), old as u32, new as u32) };
    } else {
        // Bytes beside these may change between the load and the exchange, which is then retried.
        for _ in 0..8 {
            let Some(found) = read(quadword) else { return false };
            if part(found) != old {
                return false;
            }
            let value = found & !(bits << shift) | new << shift;
            // SAFETY: INV-STORE: the quadword is aligned and contains all bytes that change: a
            // whole instruction (grade `quad`, a label or a trampoline), or the part of a
            // displacement on one side of a boundary (promise 1); its page is open (promise 2).
            is_made = unsafe { exchange_quadword(place(quadword), found, value) };
            if is_made {
                break;
            }
        }
    }
    // INV-COPY: if a debugger wrote into the page since it was opened, it is no longer the alias's.
    // In place, what was exchanged is there, whatever comes after it.
    let is_in_place = place(quadword) == quadword;
    is_made && (is_in_place || read(quadword).is_some_and(|now| part(now) == new))
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A store of a whole instruction in a quadword: bytes 1 to 6.
    fn store(memory: &AtomicU64, width: Width) -> Store {
        let address = memory.as_ptr().addr() as u64 + 1;
        let [old, new] = [[1, 2, 3, 4, 5, 0, 0, 0], [9; 8]].map(u64::from_le_bytes);
        Store { address, length: 5, old, new, width }
    }

    /// Bytes that changed since they were checked are not overwritten, whatever is stored.
    #[test]
    fn foreign_bytes_are_kept() {
        let widths = [Width::Quadword, Width::Part { at: 1, length: 2 }, Width::Displacement(1)];
        for width in widths {
            let changed = match width {
                Width::Quadword => 1..6,
                Width::Part { .. } => 2..4,
                Width::Displacement(_) => 2..6,
            };
            for foreign in 0..8 {
                let mut bytes = [7, 1, 2, 3, 4, 5, 7, 7];
                bytes[foreign] ^= 128;
                let memory = AtomicU64::new(u64::from_le_bytes(bytes));
                let read = |_| Some(memory.load(Ordering::Relaxed));
                // SAFETY: INV-STORE: the bytes lie in this quadword, which is writable.
                let is_made = unsafe { exchange(&store(&memory, width), read, |at| at) };
                assert_eq!(is_made, !changed.contains(&foreign), "{width:?} {foreign}");
                if is_made {
                    bytes[changed.clone()].fill(9);
                }
                assert_eq!(memory.load(Ordering::Relaxed).to_le_bytes(), bytes);
            }
        }
    }

    /// A store through an alias counts only if it shows where the code is executed.
    #[test]
    fn a_store_that_does_not_show_is_not_made() {
        for width in [Width::Quadword, Width::Part { at: 1, length: 2 }, Width::Displacement(1)] {
            let bytes = u64::from_le_bytes([7, 1, 2, 3, 4, 5, 7, 7]);
            for shows in [true, false] {
                let (executed, alias) = (AtomicU64::new(bytes), AtomicU64::new(bytes));
                let executed = if shows { &alias } else { &executed };
                let read = |_| Some(executed.load(Ordering::Relaxed));
                let here = executed.as_ptr().addr();
                let place = |at: usize| alias.as_ptr().addr() + (at - here);
                // SAFETY: INV-STORE: the bytes lie in these quadwords, which are writable.
                let is_made = unsafe { exchange(&store(executed, width), read, place) };
                assert_eq!(is_made, shows, "{width:?}");
                assert_ne!(alias.load(Ordering::Relaxed), bytes, "the alias is written");
            }
        }
    }
}
