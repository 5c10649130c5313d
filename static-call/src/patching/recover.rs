//! Recovery: takes over from a holder of the lock that never finished.

use crate::patching::pages;
use crate::patching::state::State;

/// Takes over from a holder of the lock that never finished: a thread of the process that this one
/// was forked from, when no handler ran. The code shows which stores it made. If it had begun to
/// publish a batch, the next commit finishes the batch.
pub(crate) fn recover(state: &mut State) {
    let Some(image) = state.registry.image else { return };
    for planned in state.pending.all_stores() {
        let store = &planned.store;
        let length = usize::from(store.length);
        let (code, have) = image.read(store.address as usize);
        if length > 0 && have >= length && code[..length] == store.new[..length] {
            state.written.note(&state.registry, planned);
        }
    }
    state.left.pages_open = 1;
    pages::close_leftovers(state);
    let mut keys = state.registry.keys.iter().zip(&*state.pending.wanted);
    let is_published = keys.any(|(key, wanted)| wanted.is_some_and(|t| t == key.record.current()));
    if !is_published {
        state.pending.wanted.fill(None);
    }
}
