//! Where nothing is patched: the slot carries every update.

use crate::key::{KeyRecord, TargetRecord};
use crate::update::{Update, UpdateError};
use crate::{lock, path};

pub(crate) fn update(
    key: &'static KeyRecord,
    target: &'static TargetRecord,
    is_own: bool,
) -> Result<Update, UpdateError> {
    if is_own {
        return Err(UpdateError::CallsItself { key: key.name() });
    }
    let _guard = lock::lock()?;
    key.publish(target);
    Ok(path::of_slot(key))
}

pub(crate) fn reset(key: &'static KeyRecord) -> Result<Update, UpdateError> {
    update(key, key.default_target(), false)
}

/// There is nothing to bind.
pub(crate) fn init() -> Result<Update, UpdateError> {
    Ok(path::of_all_slots())
}

/// There is nothing to unbind.
pub(crate) fn unbind() -> Result<Update, UpdateError> {
    Ok(path::of_all_slots())
}
