//! The items that generated code names, exported as `__private`.

mod expansion;
mod passing;
mod select;
mod shim;
mod site;
mod through;

#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
mod plain;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
mod x86_64;

pub use core::any::TypeId;
pub use core::marker::{Copy, PhantomData, Send, Sync};
pub use core::mem::{ManuallyDrop, needs_drop, size_of, transmute};
pub use core::ops::{Fn, FnOnce};
pub use core::option::Option;
pub use core::primitive::{bool, str, u32, u64};
#[cfg(not(target_os = "linux"))]
pub use linkme;

pub use crate::flag::state::{FLAG_OFF, FLAG_ON, describe_flag, flag_shim};
pub use crate::handle::{reset_all, update_all};
pub use crate::layout::site_id;
#[cfg(not(target_os = "linux"))]
pub use crate::record::STATIC_CALL_0_1_KEYS as KEYS;
pub use crate::record::{KeyDescription, KeyRecord};
pub use crate::request::Request;
#[cfg(feature = "std")]
pub use crate::scoped::{scoped_all, scoped_one};
#[cfg(not(target_os = "linux"))]
pub use crate::site::STATIC_CALL_0_1_SITES as SITES;
pub use crate::site::SiteRecord;
pub use crate::target::{PointerCell, TargetDescription, TargetRecord, captures_nothing};
pub use crate::traits::{Accept, Handle, Keyed, Pointed, SafeToSwitch, Switch};
pub use passing::{Indirect, Pass, Passing};
pub use select::force;
pub use shim::{
    Initially, Never, Receiver, conjure, not_set, type_name_of, type_of, type_of_function, update,
};
pub use site::Site;
#[cfg(all(feature = "std", target_arch = "aarch64"))]
pub use std::arch::is_aarch64_feature_detected;
#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
pub use std::arch::is_x86_feature_detected;
pub use through::*;

/// The result of an update: `Update`, or `Scoped`.
pub type Result<T> = core::result::Result<T, crate::error::UpdateError>;

/// Emits generated items that need `std`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "std")]
macro_rules! __with_std {
    ($($item:tt)*) => { $($item)* };
}

/// Drops generated items that need `std`.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "std"))]
macro_rules! __with_std {
    ($($item:tt)*) => {};
}
