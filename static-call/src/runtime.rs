//! What the public functions do: lock, find the key, commit.

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
#[path = "runtime/patching.rs"]
mod imp;
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
#[path = "runtime/slot.rs"]
mod imp;

pub(crate) use imp::*;

use crate::lock::Reentered;
use crate::update::UpdateError;

impl From<Reentered> for UpdateError {
    fn from(_: Reentered) -> Self {
        Self::Reentered
    }
}
