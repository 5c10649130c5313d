//! Parts of a choice by CPU features.

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::target::TargetRecord;
use crate::update::Update;

/// Returns whether the processor has all of these features.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
macro_rules! __has_features {
    ($($feature:tt),*) => { $($crate::__private::is_x86_feature_detected!($feature))&&* };
}

/// Returns whether the processor has all of these features.
#[doc(hidden)]
#[macro_export]
#[cfg(all(feature = "std", target_arch = "aarch64"))]
macro_rules! __has_features {
    ($($feature:tt),*) => { $($crate::__private::is_aarch64_feature_detected!($feature))&&* };
}

/// Returns whether the program is compiled for all of these features: without the feature `std`
/// the processor is not examined.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    feature = "std",
    any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")
)))]
macro_rules! __has_features {
    ($($feature:tt),*) => { $crate::__private::core::cfg!(all($(target_feature = $feature),*)) };
}

/// Makes a key call one of its candidates, whatever the processor has.
///
/// # Safety
///
/// 1. `candidate` has the key's signature.
/// 2. The processor has the features that the candidate needs.
///
/// # Errors
///
/// See [`UpdateError`]. An update that fails changes nothing.
pub unsafe fn force(
    key: &'static KeyRecord,
    candidate: TargetRecord,
) -> Result<Update, UpdateError> {
    // SAFETY: promise 1 is the same as this function's (INV-SHIM).
    unsafe { crate::commit::commit_target(key, candidate) }
}
