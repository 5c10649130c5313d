//! The backend where code is patched.
//!
//! The next file on the way of an update is `patching/protocol.rs`.

mod arena;
mod bound;
mod build;
mod cap;
mod choose;
mod hop;
mod image;
mod pages;
mod path;
mod pending;
#[cfg(feature = "std")]
mod places;
mod plan;
#[cfg(feature = "probe")]
pub(crate) mod probe;
mod protocol;
mod recover;
mod registry;
#[cfg(feature = "std")]
mod report;
mod shared;
mod state;
mod steps;
mod store;
mod veneer;
mod written;

use crate::error::UpdateError;
use crate::patching::choose::Aim;
#[cfg(feature = "std")]
pub(crate) use crate::patching::report::report;
use crate::patching::shared::{with_state, with_untried_state};
use crate::patching::state::State;
use crate::request::{self, Request};
use crate::update::Update;
use crate::{cycle, observer};

/// Carries out all requests, or none.
pub(crate) fn apply(requests: &mut [Request]) -> Result<(Update, u64), UpdateError> {
    with_state(|state| {
        request::refuse_sealed(requests)?;
        request::settle(requests)?;
        for request in &mut *requests {
            request.before = request.key().current();
            if let Some(index) = state.registry.key_of(request.key()) {
                state.pending.want(index, request.target);
            }
        }
        let named = |named| state.registry.key_named(named);
        let wanted = |key| match state.registry.key_of(key) {
            Some(index) => state.pending.wanted(index),
            None => request::last_of(requests, key),
        };
        let refused = cycle::refuse(requests, named, wanted);
        if let Err(error) = refused.and_then(|()| bound::refuse_unknown(state, requests)) {
            state.pending.forget();
            return Err(error);
        }
        let mut update = protocol::run(state, Aim::Bind)?;
        let is_foreign = |request: &Request| state.registry.key_of(request.key()).is_none();
        if requests.iter().any(is_foreign) {
            for request in request::last_of_each(requests).filter(|request| is_foreign(request)) {
                request.key().publish(request.target);
                state.left.foreign_keys += usize::from(!request.key().mark_foreign());
                update.indirect += 1;
            }
        }
        request::store_counts(requests);
        Ok((update, observer::count()))
    })?
}

/// Binds every key to its current target.
pub(crate) fn init() -> Result<Update, UpdateError> {
    all(Aim::Bind)
}

/// Binds every key as [`init`] does, and has pages opened by an alias from now on.
pub(crate) fn init_aliased() -> Result<Update, UpdateError> {
    with_untried_state(|state| {
        pages::alias(state)?;
        run_all(state, Aim::Bind)
    })?
}

/// Restores the code of every key as linked: calls go through trampolines and slots.
pub(crate) fn unbind() -> Result<Update, UpdateError> {
    all(Aim::Unbind)
}

fn all(aim: Aim) -> Result<Update, UpdateError> {
    with_state(|state| {
        if aim == Aim::Unbind {
            bound::refuse_unbinding(state)?;
        }
        run_all(state, aim)
    })?
}

fn run_all(state: &mut State, aim: Aim) -> Result<Update, UpdateError> {
    for (index, key) in state.registry.keys.iter().enumerate() {
        // A batch that a holder of the lock began to publish is finished.
        if state.pending.wanted(index).is_none() {
            state.pending.want(index, key.record.current());
        }
    }
    protocol::run(state, aim)
}
