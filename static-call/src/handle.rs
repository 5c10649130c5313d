//! What the handle of a trait promises, and the updates of all its methods as one.

use crate::error::UpdateError;
use crate::request::Request;
use crate::update::Update;

/// The handle of a trait. Implemented by the macros.
///
/// # Safety
///
/// 1. The requests are about the keys of the handle's methods and no others.
pub unsafe trait Handle {
    /// One request per method: an array.
    type Requests: AsMut<[Request]>;

    /// Returns a request for every method's default.
    fn defaults() -> Self::Requests;
}

/// That `I` can be what a handle's methods call. Implemented by the macros.
///
/// # Safety
///
/// 1. Each request's target has the signature of its key.
#[diagnostic::on_unimplemented(
    message = "the methods of `{Self}` cannot be made those of `{I}` here",
    note = "where the attribute says `update = visibility`, the right to switch is a type of its \
            own: the handle's name with `Keys` behind it"
)]
pub unsafe trait Switch<I>: Handle {
    /// Returns a request for every method of `I`.
    fn requests() -> Self::Requests;
}

/// The handle of a trait that is not `unsafe`: its methods may be switched one by one.
///
/// # Safety
///
/// 1. The trait is not `unsafe`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be switched in a batch",
    note = "if it is the handle of an `unsafe trait`, switch it alone, by its own `update`, which \
            is `unsafe`"
)]
pub unsafe trait SafeToSwitch: Handle {}

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
