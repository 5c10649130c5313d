//! The ordered protocol of an update. The caller holds the lock.
//!
//! No fallible step may come between the first store and the last. There is no rollback, because
//! calls may already have been made. The next file on the way of an update is `patching/store.rs`;
//! `patching/choose.rs` plans what it writes.

use crate::error::UpdateError;
use crate::patching::choose::{self, Aim};
use crate::patching::image::Image;
use crate::patching::pending::STAGES;
use crate::patching::state::{Patching, State};
use crate::patching::{bound, hop, pages, path, store};
use crate::sys;
use crate::update::{Barrier, Update};

/// Makes the touched keys call their wanted targets: either all of them, or none and returns an
/// error.
pub(crate) fn run(state: &mut State, aim: Aim) -> Result<Update, UpdateError> {
    let result = phases(state, aim);
    state.pending.forget();
    result
}

fn phases(state: &mut State, aim: Aim) -> Result<Update, UpdateError> {
    // Plan.
    hop::refuse_cycles(&state.registry, &state.pending)?;
    bound::refuse(state, aim)?;
    pages::close_leftovers(state);
    let works = state.limits.patching == Patching::Works;
    let binds = works && aim == Aim::Bind;
    state.pending.forget_stores();
    if works {
        settle(state);
        choose::stores(state, aim)?;
    }
    let has_stores = state.pending.goes_on(0);
    let Some(image) = state.registry.image.filter(|_| has_stores) else {
        publish(state);
        return Ok(without_stores(state, binds));
    };
    // Check, open all pages, check again: an error changes nothing.
    check(state, &image)?;
    if let Err(refused) = pages::open(state, &image) {
        if is_as_linked(state) {
            // The permission was lost before anything was bound, so the slot is enough.
            state.left.lost_permission = Some(refused.errno);
            publish(state);
            return Ok(without_stores(state, false));
        }
        let pages::Refused { address, errno } = refused;
        return Err(UpdateError::PermissionDenied { address, errno });
    }
    state.left.lost_permission = None;
    if let Err(error) = check(state, &image) {
        pages::close(state);
        return Err(error);
    }
    // Publish the slots, then store: nothing here can fail, except a barrier between two steps.
    publish(state);
    let mut barriers = Barriers::default();
    let mut lost = 0;
    for stage in 0..STAGES {
        if stage > 0 && (!state.pending.goes_on(stage) || !barriers.run()) {
            break;
        }
        lost += store::write_all(state, &image, stage);
    }
    // Close, run the barrier: `Update` reports what could not be done.
    pages::close(state);
    let barrier = match state.limits.barrier {
        Ok(()) if barriers.run() => Barrier::Ran,
        result => Barrier::Missing(result.err().or(barriers.failed).unwrap_or_default()),
    };
    note(state, barrier, barriers.failed);
    Ok(Update { barrier, barriers: barriers.ran, lost, ..counted(state, binds) })
}

/// Notes how the last barrier of a batch with stores went. INV-STEP: only one that ran settles
/// anything. Where barriers cannot be had, none is tried, and none has failed.
fn note(state: &mut State, barrier: Barrier, failed: Option<i32>) {
    let Barrier::Missing(errno) = barrier else { return all_see(state) };
    state.left.missing = Some(errno);
    if state.pending.changes_parts() {
        state.left.unsettled = failed.or(state.left.unsettled);
    }
}

/// Notes that a barrier ran: all threads see what was stored.
fn all_see(state: &mut State) {
    state.veneers.settle();
    (state.left.unsettled, state.left.missing) = (None, None);
}

/// The barriers of a batch.
#[derive(Default)]
struct Barriers {
    ran: usize,
    /// The `errno` of the last one, if it failed.
    failed: Option<i32>,
}

impl Barriers {
    /// Runs one; returns whether it succeeded.
    fn run(&mut self) -> bool {
        self.failed = sys::barrier().err();
        self.ran += usize::from(self.failed.is_none());
        self.failed.is_none()
    }
}

/// Runs the barrier that an earlier batch could not run, or ended before.
fn settle(state: &mut State) {
    let is_needed = state.left.unsettled.is_some() || state.veneers.needs_barrier;
    let is_missing = state.left.missing.is_some() && state.limits.barrier.is_ok();
    if !is_needed && !is_missing {
        return;
    }
    match sys::barrier() {
        Ok(()) => all_see(state),
        Err(errno) if is_needed => state.left.unsettled = Some(errno),
        // The batch may have stores that need no step before them.
        Err(_) => {}
    }
}

/// Checks that the bytes of every store are what they are expected to be.
fn check(state: &State, image: &Image) -> Result<(), UpdateError> {
    for stage in 0..state.pending.starting_stages() {
        for planned in state.pending.stores(stage) {
            // A later step changes what an earlier one has written.
            if stage > 0 && !state.written.is_before(planned) {
                continue;
            }
            let store = &planned.store;
            let (address, length) = (store.address as usize, usize::from(store.length));
            let found = image.instruction(address, length);
            if found != Some(store.old) {
                let found = found.unwrap_or_default();
                let [expected, found] = [store.old, found].map(u64::to_le_bytes);
                return Err(UpdateError::ForeignBytes { address, length, expected, found });
            }
        }
    }
    Ok(())
}

/// Publishes the slots and the current targets of the touched keys.
fn publish(state: &State) {
    for key in state.pending.keys() {
        if let Some(target) = state.pending.wanted(key) {
            state.registry.keys[key].record.publish(target);
        }
    }
}

/// Returns whether the code of the touched keys is as linked: never changed, or changed back.
fn is_as_linked(state: &State) -> bool {
    let State { registry, written, pending, .. } = state;
    pending.keys().all(|key| written.is_as_linked(registry, &registry.keys[key]))
}

/// Returns what a batch did that the slots carry. What earlier batches stored may not be seen yet.
fn without_stores(state: &mut State, binds: bool) -> Update {
    let barrier = state.left.missing.map_or(Barrier::NotNeeded, Barrier::Missing);
    Update { barrier, ..counted(state, binds) }
}

/// Marks the touched keys as bound or not, and returns their counted paths. Where nothing is
/// patched, they are as in the file.
fn counted(state: &mut State, binds: bool) -> Update {
    let mut update = Update::slot_only();
    update.pages_left_open = state.pages_left_open();
    for k in 0..state.pending.touched() {
        let key = state.pending.key(k);
        if state.limits.patching == Patching::Works {
            state.written.bound[key] = binds;
        }
        path::count(state, key, &mut update);
    }
    update
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patching::cap::Cap;

    /// An update without a barrier, because there is none or it failed, settles nothing.
    #[test]
    fn only_a_barrier_settles() {
        let mut state = State::bare(Cap::Inline, Patching::Works);
        state.left.unsettled = Some(1);
        for failed in [None, Some(2)] {
            state.veneers.needs_barrier = true;
            note(&mut state, Barrier::Missing(2), failed);
            assert!(state.veneers.needs_barrier);
            assert_eq!((state.left.unsettled, state.left.missing), (Some(1), Some(2)));
        }
        note(&mut state, Barrier::Ran, None);
        assert!(!state.veneers.needs_barrier);
        assert_eq!((state.left.unsettled, state.left.missing), (None, None));
    }
}
