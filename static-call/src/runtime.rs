//! Placeholder: the slot alone.
use crate::key::{KeyRecord, TargetRecord};
use crate::update::{Barrier, Update, UpdateError};
pub(crate) fn update(key: &'static KeyRecord, target: &'static TargetRecord, own: bool) -> Result<Update, UpdateError> {
    if own { return Err(UpdateError::CallsItself { key: "" }); }
    key.slot().store(target.address().cast_mut(), core::sync::atomic::Ordering::Release);
    Ok(Update { inline: 0, trampoline: 0, indirect: 0, barrier: Barrier::NotNeeded, pages_left_open: 0 })
}
pub(crate) fn reset(_key: &'static KeyRecord) -> Result<Update, UpdateError> { Err(UpdateError::Reentered) }
