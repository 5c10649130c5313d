//! Keys whose code the verifier bound to their defaults in the file. Their calls do not follow the
//! slot, so a key whose code cannot be rewritten keeps its default: an update is an error
//! (INV-BOUND).

use crate::error::UpdateError;
use crate::patching::choose::Aim;
use crate::patching::path;
use crate::patching::state::State;
use crate::path::Reason;
use crate::record::{KEYS, KeyRecord};
use crate::request::Request;

/// Refuses a batch that must rewrite the bound code of a key, to give it another target or to
/// unbind it, where that code cannot be rewritten.
pub(crate) fn refuse(state: &State, aim: Aim) -> Result<(), UpdateError> {
    for key in state.pending.keys() {
        let record = state.registry.keys[key].record;
        let is_other = state.pending.wanted(key).is_some_and(|target| target != record.current());
        let changes = is_other || aim == Aim::Unbind;
        if !record.is_bound_in_file() || !changes {
            continue;
        }
        if let Some(reason) = why_fixed(state, key) {
            return Err(UpdateError::BoundAtLink { key: record.name(), reason });
        }
    }
    Ok(())
}

/// Refuses requests for bound keys that the registry does not have: of another image, or of this
/// one if nothing is known about it.
pub(crate) fn refuse_unknown(state: &State, requests: &[Request]) -> Result<(), UpdateError> {
    let changes = |request: &&Request| request.target != request.key().current();
    refuse_keys(state, requests.iter().filter(changes).map(Request::key))
}

/// Refuses to unbind if nothing is known about this image and some of its keys are bound.
pub(crate) fn refuse_unbinding(state: &State) -> Result<(), UpdateError> {
    refuse_keys(state, KEYS.static_slice().iter())
}

fn refuse_keys(
    state: &State,
    mut keys: impl Iterator<Item = &'static KeyRecord>,
) -> Result<(), UpdateError> {
    let is_fixed =
        |key: &&'static KeyRecord| key.is_bound_in_file() && state.registry.key_of(key).is_none();
    match keys.find(is_fixed) {
        Some(key) => {
            let reason = path::why_unpatched(state).unwrap_or(Reason::NotVerified);
            Err(UpdateError::BoundAtLink { key: key.name(), reason })
        }
        None => Ok(()),
    }
}

/// Returns why a key of the registry cannot leave the default to which it was bound, if it cannot.
pub(crate) fn why_fixed(state: &State, key: usize) -> Option<Reason> {
    let registry = &state.registry;
    let mut calls = registry.calls[registry.keys[key].calls()].iter();
    let is_whole = registry.is_whole && calls.all(|call| call.fault.is_none());
    path::why_unpatched(state)
        .or_else(|| path::why_unlisted(state))
        .or((!is_whole).then_some(Reason::Changed))
}

/// Returns how many bound keys cannot be updated, and why the first of them cannot.
#[cfg(feature = "std")]
pub(crate) fn count_fixed(state: &State) -> (usize, Option<Reason>) {
    let is_bound = |key: &&KeyRecord| key.is_bound_in_file();
    if state.registry.image.is_none() {
        let count = KEYS.static_slice().iter().filter(is_bound).count();
        return (count, path::why_unpatched(state).filter(|_| count > 0));
    }
    let keys = state.registry.keys.iter().enumerate();
    let mut reasons = keys
        .filter(|(_, entry)| entry.record.is_bound_in_file())
        .filter_map(|(key, _)| why_fixed(state, key))
        .peekable();
    let first = reasons.peek().copied();
    (reasons.count(), first)
}
