//! Recovery: takes over from a holder of the lock that never finished.

use crate::patching::pages;
use crate::patching::state::State;

/// Takes over from a holder of the lock that never finished: a thread of the process that this one
/// was forked from, when no handler ran. The code shows which stores it made. If it had begun to
/// publish a batch, the next commit finishes the batch.
pub(crate) fn recover(state: &mut State) {
    state.veneers.recover();
    // Whether a barrier ran after the last store is not known.
    state.left.unsettled = Some(0);
    pages::part(state);
    let Some(image) = state.registry.image else { return };
    for planned in state.pending.stores_in_memory() {
        let (address, length) = (planned.store.address as usize, planned.store.length.into());
        if length > 0 && image.instruction(address, length) == Some(planned.store.new) {
            state.written.note(&state.registry, planned);
        }
    }
    state.left.pages_open = 1;
    pages::close_leftovers(state);
    let State { registry, pending, .. } = state;
    let is_published = pending.keys().any(|key| {
        pending.wanted(key).is_some_and(|target| target == registry.keys[key].record.current())
    });
    if !is_published {
        pending.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patching::arena::Arena;
    use crate::patching::cap::Cap;
    use crate::patching::state::Patching;
    use crate::patching::veneer::{Room, Veneers};
    use crate::sys::{self, PAGE, Protection};

    /// An address at which nothing else is.
    const BASE: u64 = 0x2468_0000_0000;

    /// A page that the dead holder opened, before it wrote down that it did, is closed. The first
    /// update of the new holder begins with a barrier.
    #[test]
    fn what_a_dead_holder_left_is_not_trusted() {
        let mut state = State::bare(Cap::Inline, Patching::Works);
        let mut arena = Arena::new(PAGE).unwrap();
        let memory = arena.memory();
        state.veneers = Veneers::new(&mut arena, (BASE, BASE), (1, 0));
        assert!(state.veneers.make(BASE, BASE + 64, Room::New));
        state.veneers.finish();
        // SAFETY: INV-VENEER: this is a page of veneers.
        unsafe { sys::protect(BASE as usize, PAGE, Protection::OPEN) }.unwrap();
        assert_eq!(rights().as_deref(), Some("rwxp"));
        recover(&mut state);
        assert_eq!(rights().as_deref(), Some("r-xp"));
        assert_eq!(state.left.unsettled, Some(0));
        // SAFETY: INV-VENEER: nothing executes these.
        unsafe { state.veneers.free() };
        // SAFETY: INV-ARENA: its only slice ended with the veneers.
        unsafe { memory.free() };
    }

    /// Returns the rights of the page at the address.
    fn rights() -> Option<std::string::String> {
        let mappings = std::fs::read_to_string("/proc/self/maps").unwrap();
        let start = std::format!("{BASE:x}-");
        let mapping = mappings.lines().find(|line| line.starts_with(&start))?;
        mapping.split(' ').nth(1).map(Into::into)
    }
}
