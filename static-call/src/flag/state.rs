//! The two targets of a flag: *on* and *off*.

use crate::target::TargetRecord;

/// The target of a flag that is on. Nothing calls it.
pub static FLAG_ON: TargetRecord = TargetRecord::new(flag_on as *const (), || "on");
/// The target of a flag that is off. Nothing calls it.
pub static FLAG_OFF: TargetRecord = TargetRecord::new(flag_off as *const (), || "off");

/// The function of [`FLAG_ON`].
pub extern "C-unwind" fn flag_on() {}

/// The function of [`FLAG_OFF`].
pub extern "C-unwind" fn flag_off() {}
