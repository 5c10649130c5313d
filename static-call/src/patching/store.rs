//! Stores into code that other threads execute: one planned store after another, each by one
//! exchange.
//!
//! The next and last file on the way of an update is `arch/x86_64/store.rs`.

use crate::arch::native::store::{exchange_displacement, exchange_quadword};
use crate::patching::image::Image;
use crate::patching::plan::{Store, Width};
use crate::patching::state::State;

/// Makes the planned stores and notes them; returns how many failed because something else had
/// changed the bytes.
pub(crate) fn write_all(state: &mut State, image: &Image) -> usize {
    let mut lost = 0;
    for planned in state.pending.stores() {
        if write(image, &planned.store) {
            state.written.note(&state.registry, planned);
        } else {
            lost += 1;
        }
    }
    lost
}

/// Makes one store into open code. Returns false if its bytes changed since they were checked.
fn write(image: &Image, store: &Store) -> bool {
    match store.width {
        Width::Displacement(at) => {
            let at = usize::from(at);
            let word = |bytes: &[u8; 8]| {
                u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            let address = store.address as usize + at;
            // SAFETY: INV-STORE: the grade is `quad` or `disp`, so the displacement lies in one
            // quadword; its page is open.
            unsafe { exchange_displacement(address, word(&store.old), word(&store.new)) }
        }
        Width::Quadword => {
            let quadword = store.address as usize & !7;
            let at = store.address as usize - quadword;
            let length = usize::from(store.length);
            // Bytes beside the instruction may change between the load and the exchange, so the
            // exchange is retried.
            for _ in 0..8 {
                let Some(old) = image.quadword(quadword) else { return false };
                let mut bytes = old.to_le_bytes();
                if bytes[at..at + length] != store.old[..length] {
                    return false;
                }
                bytes[at..at + length].copy_from_slice(&store.new[..length]);
                // SAFETY: INV-STORE: the quadword is aligned, contains the whole instruction (grade
                // `quad`, a label or a trampoline), and its page is open.
                if unsafe { exchange_quadword(quadword, old, u64::from_le_bytes(bytes)) } {
                    return true;
                }
            }
            false
        }
    }
}
