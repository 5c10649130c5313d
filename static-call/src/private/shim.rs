//! Small parts of generated shims and bounds.

use core::any::TypeId;

use crate::error::UpdateError;
use crate::key::Key;
use crate::traits::Accept;
use crate::update::Update;

/// Makes the value of a zero-sized, copyable target in its shim.
///
/// # Safety
///
/// 1. A value of `F` was passed to `update` earlier: the shim is reachable only through that.
#[inline(always)]
#[must_use]
pub unsafe fn conjure<F: Copy>() -> F {
    // Not in a constant: `captures_nothing` checks it in one, and one error is enough.
    assert!(size_of::<F>() == 0);
    // SAFETY: a zero-sized type has no bytes that could be wrong, and a value of this type existed
    // (promise 1), so `Copy` allows making a copy of it (INV-SHIM).
    unsafe { core::mem::transmute_copy::<(), F>(&()) }
}

/// Updates as [`Key::update`] does, without [`captures_nothing`](super::captures_nothing), which
/// the caller has already evaluated: a second error would only repeat the first.
///
/// # Errors
///
/// As for [`Key::update`].
pub fn update<K: Accept<F>, F>(key: Key<K>, target: F) -> Result<Update, UpdateError>
where
    F: Copy + Send + Sync + 'static,
{
    key.commit(target)
}

/// Replaces the receiver of a trait's method, which does not cross a trampoline: the shim takes the
/// instance of its own implementation.
#[derive(Clone, Copy, Debug)]
pub struct Receiver;

/// Panics: a trait's method without a default was called before it was set.
///
/// # Panics
///
/// Always.
#[cold]
#[inline(never)]
pub fn not_set(method: &str, handle: &str) -> ! {
    panic!("`{method}` was called before `{handle}::update`")
}

/// Returns the type of what the closure would return. The closure is not called: a path that a user
/// wrote may be a constant whose value has a destructor, and this function may run under the lock
/// (INV-LOCK).
#[must_use]
pub fn type_of<F: 'static>(_: impl FnOnce() -> F) -> TypeId {
    TypeId::of::<F>()
}

/// Returns the type of a function item, which has no destructor.
#[must_use]
pub fn type_of_function<F: Copy + 'static>(_: F) -> TypeId {
    TypeId::of::<F>()
}

/// Returns the name of the type that the closure would return. The closure is not called.
#[must_use]
pub fn type_name_of<F>(_: impl FnOnce() -> F) -> &'static str {
    core::any::type_name::<F>()
}

/// Names the return type of a function pointer.
#[doc(hidden)]
pub trait Returns {
    /// The return type.
    type Output;
}

impl<R> Returns for fn() -> R {
    type Output = R;
}

/// The type `!`, for places where stable Rust does not accept it.
pub type Never = <fn() -> ! as Returns>::Output;

/// Names the initial state of a flag. Implemented by `flag!`.
pub trait Initially {
    /// Whether the flag is on.
    const ON: bool;
}
