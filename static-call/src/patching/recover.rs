//! Recovery: takes over from a holder of the lock that never finished.

use crate::patching::pages;
use crate::patching::state::State;

/// Takes over from a holder of the lock that never finished: a thread of the process that this one
/// was forked from, when no handler ran. The code shows which stores it made. If it had begun to
/// publish a batch, the next commit finishes the batch.
pub(crate) fn recover(state: &mut State) {
    let Some(image) = state.registry.image else { return };
    for planned in state.pending.stores_in_memory() {
        let store = &planned.store;
        let length = usize::from(store.length);
        let (code, have) = image.read(store.address as usize);
        if length > 0 && have >= length && code[..length] == store.new[..length] {
            state.written.note(&state.registry, planned);
        }
    }
    state.left.pages_open = 1;
    pages::close_leftovers(state);
    state.veneers.recover();
    // Whether a barrier ran after the last store is not known.
    state.left.unsettled = Some(0);
    let State { registry, pending, .. } = state;
    let is_published = pending.keys().any(|key| {
        pending.wanted(key).is_some_and(|target| target == registry.keys[key].record.current())
    });
    if !is_published {
        pending.forget();
    }
}
