//! The ordered protocol of an update. The caller holds the lock.
//!
//! No fallible step may come between the first store and the last. There is no rollback, because
//! calls may already have been made. The next file on the way of an update is `patching/store.rs`;
//! `patching/choose.rs` plans what it writes.

use crate::error::UpdateError;
use crate::patching::choose::{self, Aim};
use crate::patching::image::Image;
use crate::patching::state::{Patching, State};
use crate::patching::{hop, pages, path, store};
use crate::sys;
use crate::update::{Barrier, Update};

/// Makes the touched keys call their wanted targets: either all of them, or none and returns an
/// error.
pub(crate) fn run(state: &mut State, aim: Aim) -> Result<Update, UpdateError> {
    let result = steps(state, aim);
    state.pending.wanted.fill(None);
    result
}

fn steps(state: &mut State, aim: Aim) -> Result<Update, UpdateError> {
    // Plan.
    hop::refuse_cycles(&state.registry, state.pending.wanted)?;
    pages::close_leftovers(state);
    let works = state.limits.patching == Patching::Works;
    let binds = works && aim == Aim::Bind;
    state.pending.forget_stores();
    if works {
        choose::stores(state, aim);
    }
    let Some(image) = state.registry.image.filter(|_| !state.pending.stores().is_empty()) else {
        publish(state);
        return Ok(counted(state, binds));
    };
    // Check, open all pages, check again: an error changes nothing.
    check(state, &image)?;
    if let Err(refused) = pages::open(state, &image) {
        if is_as_linked(state) {
            // The permission was lost before anything was bound, so the slot is enough.
            state.left.lost_permission = Some(refused.errno);
            publish(state);
            return Ok(counted(state, false));
        }
        let pages::Refused { address, errno } = refused;
        return Err(UpdateError::PermissionDenied { address, errno });
    }
    state.left.lost_permission = None;
    if let Err(error) = check(state, &image) {
        pages::close(state);
        return Err(error);
    }
    // Publish the slots, then store: nothing here can fail.
    publish(state);
    let lost = store::write_all(state, &image);
    // Close, run the barrier: `Update` reports what could not be done.
    pages::close(state);
    let barrier = match state.limits.barrier.and_then(|()| sys::barrier()) {
        Ok(()) => Barrier::Ran,
        Err(errno) => Barrier::Missing(errno),
    };
    let pages_left_open = state.left.pages_open;
    Ok(Update { barrier, lost, pages_left_open, ..counted(state, binds) })
}

/// Checks that the bytes of every store are what they are expected to be.
fn check(state: &State, image: &Image) -> Result<(), UpdateError> {
    for planned in state.pending.stores() {
        let store = &planned.store;
        let (code, have) = image.read(store.address as usize);
        let length = usize::from(store.length);
        if have < length || code[..length] != store.old[..length] {
            let mut found = [0; 8];
            found[..length].copy_from_slice(&code[..length]);
            let address = store.address as usize;
            return Err(UpdateError::ForeignBytes { address, length, expected: store.old, found });
        }
    }
    Ok(())
}

/// Publishes the slots and the current targets of the touched keys.
fn publish(state: &State) {
    for (key, wanted) in state.registry.keys.iter().zip(&*state.pending.wanted) {
        if let Some(target) = *wanted {
            key.record.publish(target);
        }
    }
}

/// Returns whether the code of the touched keys is as linked: never changed, or changed back.
fn is_as_linked(state: &State) -> bool {
    let keys = state.registry.keys.iter().zip(&*state.pending.wanted);
    keys.filter(|(_, wanted)| wanted.is_some())
        .all(|(key, _)| state.written.is_as_linked(&state.registry, key))
}

/// Marks the touched keys as bound or not, and returns their counted paths.
fn counted(state: &mut State, binds: bool) -> Update {
    let mut update = Update::slot_only();
    for key in 0..state.registry.keys.len() {
        if state.pending.wanted[key].is_some() {
            state.written.bound[key] = binds;
            path::count(state, key, &mut update);
        }
    }
    update
}
