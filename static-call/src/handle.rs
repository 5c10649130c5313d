//! Updates of every method of a trait's handle as one.

use crate::error::UpdateError;
use crate::traits::{Handle, Switch};
use crate::update::Update;

/// Makes every method of a handle call that of `I`.
///
/// # Safety
///
/// 1. Where the handle's own `update` is `unsafe`: what that requires.
///
/// # Errors
///
/// See [`UpdateError`]. An update that fails changes nothing.
pub unsafe fn update_all<H: Switch<I>, I>() -> Result<Update, UpdateError> {
    crate::commit::commit(H::requests().as_mut())
}

/// Makes every method of a handle call its default.
///
/// # Safety
///
/// 1. Where the handle's own `reset` is `unsafe`: what that requires.
///
/// # Errors
///
/// See [`UpdateError`]. A reset that fails changes nothing.
pub unsafe fn reset_all<H: Handle>() -> Result<Update, UpdateError> {
    crate::commit::commit(H::defaults().as_mut())
}
