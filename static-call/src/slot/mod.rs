//! The backend where nothing is patched: the slot carries every update, and its way ends here.

#[cfg(feature = "probe")]
pub(crate) mod probe;
#[cfg(feature = "std")]
mod report;

use crate::error::UpdateError;
use crate::lock;
use crate::record::KEYS;
use crate::request::{self, Request};
use crate::update::Update;
use crate::{cycle, observer};

#[cfg(feature = "std")]
pub(crate) use crate::slot::report::report;

/// Carries out all requests, or none.
pub(crate) fn apply(requests: &mut [Request]) -> Result<(Update, u64), UpdateError> {
    let _guard = lock::lock()?;
    request::refuse_sealed(requests)?;
    request::settle(requests)?;
    let named = |named| KEYS.static_slice().iter().find(|key| key.own_type() == Some(named));
    cycle::refuse(requests, named, |key| request::last_of(requests, key))?;
    for request in &mut *requests {
        request.before = request.key().current();
    }
    for request in request::last_of_each(requests) {
        request.key().publish(request.target);
    }
    request::store_counts(requests);
    Ok((through_slots(request::last_of_each(requests).count()), observer::count()))
}

/// Does nothing: there is nothing to bind.
pub(crate) fn init() -> Result<Update, UpdateError> {
    Ok(through_slots(KEYS.len()))
}

/// Does nothing: no page is ever opened.
pub(crate) fn init_aliased() -> Result<Update, UpdateError> {
    init()
}

/// Does nothing: there is nothing to unbind.
pub(crate) fn unbind() -> Result<Update, UpdateError> {
    init()
}

/// Returns an update that counts one call for each key: calls are not known here.
fn through_slots(keys: usize) -> Update {
    let mut update = Update::slot_only();
    update.indirect = keys;
    update
}
