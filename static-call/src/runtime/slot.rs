//! Where nothing is patched: the slot carries every update.

use crate::key::{KeyRecord, STATIC_CALL_0_1_KEYS};
use crate::lock;
use crate::target::TargetRecord;
use crate::update::{Update, UpdateError};

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
    Ok(through_slots(1))
}

pub(crate) fn reset(key: &'static KeyRecord) -> Result<Update, UpdateError> {
    update(key, key.default_target(), false)
}

/// There is nothing to bind.
pub(crate) fn init() -> Result<Update, UpdateError> {
    Ok(through_slots(STATIC_CALL_0_1_KEYS.len()))
}

/// There is nothing to unbind.
pub(crate) fn unbind() -> Result<Update, UpdateError> {
    init()
}

/// Nobody counts calls here: one for each key.
fn through_slots(keys: usize) -> Update {
    let mut update = Update::of_slot_alone();
    update.indirect = keys;
    update
}
