//! What generated code names. Not for use by hand: no part of it is covered by semver.

mod passing;
mod shim;
mod trampoline;

pub use core;
pub use linkme;

pub use crate::handle::{Handle, SafeToSwitch, Switch, reset_all, update_all};
pub use crate::record::{
    Accept, KeyDescription, KeyRecord, Keyed, Pointed, STATIC_CALL_0_1_KEYS as KEYS,
};
pub use crate::site::{STATIC_CALL_0_1_SITES as SITES, SiteRecord};
pub use crate::target::TargetRecord;
pub use crate::wish::Wish;
pub use passing::{Indirect, Pass, Passing};
pub use shim::{Never, Receiver, conjure, not_set, type_id_of};
pub use static_call_macros::call as call_impl;
