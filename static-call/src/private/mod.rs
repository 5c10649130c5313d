//! What generated code names. Not for use by hand: no part of it is covered by semver.

mod passing;
mod shim;
mod trampoline;

pub use core;
pub use linkme;

pub use crate::key::{Accept, KeyDescription, KeyRecord, Keyed, STATIC_CALL_0_1_KEYS as KEYS};
pub use crate::site::{STATIC_CALL_0_1_SITES as SITES, SiteRecord};
pub use crate::target::TargetRecord;
pub use passing::{Indirect, Pass, Passing};
pub use shim::{Never, conjure, type_id_of};
pub use static_call_macros::call as call_impl;
