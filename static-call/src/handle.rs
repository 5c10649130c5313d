//! Updates of all methods of a trait's handle as one.

use crate::error::UpdateError;
use crate::traits::{Handle, Switch};
use crate::update::Update;

/// Makes all methods of a handle call those of `I`.
///
/// # Safety
///
/// 1. What the handle's own `update` asks for, where that is `unsafe`.
///
/// # Errors
///
/// See [`UpdateError`]; nothing has changed then.
pub unsafe fn update_all<H: Switch<I>, I>() -> Result<Update, UpdateError> {
    crate::commit::commit(H::requests().as_mut())
}

/// Makes all methods of a handle call their defaults.
///
/// # Safety
///
/// 1. What the handle's own `reset` asks for, where that is `unsafe`.
///
/// # Errors
///
/// See [`UpdateError`]; nothing has changed then.
pub unsafe fn reset_all<H: Handle>() -> Result<Update, UpdateError> {
    crate::commit::commit(H::defaults().as_mut())
}
