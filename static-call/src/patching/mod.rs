//! Where code is patched.
//!
//! The next file on the way of an update is `patching/protocol.rs`.

mod arena;
mod build;
mod cap;
mod choose;
mod hop;
mod image;
mod pages;
mod path;
mod pending;
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
mod store;
mod written;

use crate::error::UpdateError;
use crate::patching::choose::Aim;
#[cfg(feature = "std")]
pub(crate) use crate::patching::report::report;
use crate::patching::shared::with_state;
use crate::request::{self, Wish};
use crate::update::Update;
use crate::{cycle, observer};

/// Makes all wishes come true, or none.
pub(crate) fn apply(wishes: &mut [Wish]) -> Result<(Update, u64), UpdateError> {
    with_state(|state| {
        request::refuse_sealed(wishes)?;
        request::settle(wishes)?;
        cycle::refuse(wishes, |named| state.registry.key_named(named))?;
        for wish in &mut *wishes {
            wish.before = wish.key().current();
            if let Some(index) = state.registry.key_of(wish.key()) {
                state.pending.wanted[index] = Some(wish.target);
            }
        }
        let mut update = protocol::run(state, Aim::Bind)?;
        for wish in request::last_of_each(wishes) {
            if state.registry.key_of(wish.key()).is_none() {
                wish.key().publish(wish.target);
                state.left.foreign_keys += usize::from(!wish.key().mark_foreign());
                update.indirect += 1;
            }
        }
        request::store_counts(wishes);
        Ok((update, observer::count()))
    })?
}

/// Binds every key to its current target.
pub(crate) fn init() -> Result<Update, UpdateError> {
    all(Aim::Bind)
}

/// Puts every key back on its trampolines and its slot.
pub(crate) fn unbind() -> Result<Update, UpdateError> {
    all(Aim::Unbind)
}

fn all(aim: Aim) -> Result<Update, UpdateError> {
    with_state(|state| {
        for (key, wanted) in state.registry.keys.iter().zip(&mut *state.pending.wanted) {
            *wanted = Some(key.record.current());
        }
        protocol::run(state, aim)
    })?
}
