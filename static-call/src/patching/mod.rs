//! Where code is patched.

mod arena;
mod cap;
mod hop;
mod image;
mod pages;
mod path;
mod plan;
#[cfg(feature = "probe")]
pub(crate) mod probe;
mod protocol;
mod registry;
#[cfg(feature = "std")]
mod report;
mod shared;

use crate::error::UpdateError;
use crate::patching::protocol::Aim;
#[cfg(feature = "std")]
pub(crate) use crate::patching::report::report;
use crate::patching::shared::with_registry;
use crate::request::{self, Wish};
use crate::update::Update;
use crate::{cycle, observer};

/// Makes all wishes come true, or none.
pub(crate) fn apply(wishes: &mut [Wish]) -> Result<(Update, u64), UpdateError> {
    with_registry(|registry| {
        request::refuse_sealed(wishes)?;
        request::settle(wishes)?;
        cycle::refuse(wishes, |named| registry.key_named(named))?;
        for wish in &mut *wishes {
            wish.before = wish.key().current();
            if let Some(index) = registry.key_of(wish.key()) {
                registry.keys[index].wanted = Some(wish.target);
            }
        }
        let mut update = protocol::commit(registry, Aim::Bind)?;
        for wish in request::last_of_each(wishes) {
            if registry.key_of(wish.key()).is_none() {
                wish.key().publish(wish.target);
                registry.foreign_keys += usize::from(!wish.key().mark_foreign());
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
    with_registry(|registry| {
        for key in &mut *registry.keys {
            key.wanted = Some(key.record.current());
        }
        protocol::commit(registry, aim)
    })?
}
