//! The two targets of a flag: *on* and *off*.

use crate::target::{TargetDescription, TargetRecord};

/// The target of a flag that was turned on. Nothing calls it.
pub static FLAG_ON: TargetRecord = TargetRecord::new(|d| describe_flag(d, true));
/// The target of a flag that was turned off. Nothing calls it.
pub static FLAG_OFF: TargetRecord = TargetRecord::new(|d| describe_flag(d, false));

/// Describes the target of a flag that is on or off.
pub fn describe_flag(description: &mut TargetDescription, is_on: bool) {
    description.at(flag_shim(is_on)).named(if is_on { "on" } else { "off" });
}

/// Returns the shim of a flag that is on or off.
#[must_use]
pub const fn flag_shim(is_on: bool) -> *const () {
    if is_on { flag_on as *const () } else { flag_off as *const () }
}

extern "C-unwind" fn flag_on() {}

extern "C-unwind" fn flag_off() {}
