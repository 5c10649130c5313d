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
/// 1. A value of `F` was handed to `update` before: the shim is reachable only through it.
#[inline(always)]
#[must_use]
pub unsafe fn conjure<F: Copy>() -> F {
    // Not in a constant: `captures_nothing` has said it in one, and one error is enough.
    assert!(size_of::<F>() == 0);
    // SAFETY: a zero-sized type has no bytes to be wrong, and a value of this type existed
    // (promise 1), so making a copy of it is what `Copy` allows (INV-SHIM).
    unsafe { core::mem::transmute_copy::<(), F>(&()) }
}

/// Updates as [`Key::update`] does, where [`captures_nothing`](super::captures_nothing) was asked
/// already: two errors would say one thing.
///
/// # Errors
///
/// As for [`Key::update`].
pub fn update<K: Accept<F>, F>(key: Key<K>, target: F) -> Result<Update, UpdateError>
where
    F: Copy + Send + Sync + 'static,
{
    crate::commit::commit_one(key.request(target))
}

/// Stands in the place of a trait method's receiver, which does not cross a trampoline: the shim
/// takes the instance of the implementation that it is of.
#[derive(Clone, Copy, Debug)]
pub struct Receiver;

/// Panics as a trait's method without a default does until it is set.
///
/// # Panics
///
/// Always.
#[cold]
#[inline(never)]
pub fn not_set(method: &str, handle: &str) -> ! {
    panic!("`{method}` was called before `{handle}::update`")
}

/// Returns the type of what the closure would return. It is not called: a path that a user wrote
/// may be a constant, whose value has a destructor, and this may be asked under the lock
/// (INV-LOCK).
#[must_use]
pub fn type_of<F: 'static>(_: impl FnOnce() -> F) -> TypeId {
    TypeId::of::<F>()
}

/// Returns the name of the type of what the closure would return, which is not called.
#[must_use]
pub fn type_name_of<F>(_: impl FnOnce() -> F) -> &'static str {
    core::any::type_name::<F>()
}

/// Names the return type of a function pointer.
#[doc(hidden)]
pub trait Returns {
    /// It.
    type Output;
}

impl<R> Returns for fn() -> R {
    type Output = R;
}

/// The type `!`, in the places where stable Rust does not let it be written.
pub type Never = <fn() -> ! as Returns>::Output;

/// What a flag is at the start. Implemented by `flag!`.
pub trait Initially {
    /// Whether it is on.
    const ON: bool;
}
