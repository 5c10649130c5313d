//! The traits in the signatures of this crate: what implements each, and what to do if the compiler
//! says that one is not implemented.
//!
//! They are sealed: only code that the macros generate implements them. A private supertrait could
//! not seal them, because the generated code is part of the user's crate. So they are `unsafe`, and
//! their hidden items are not part of the crate's interface: those can change in any release.
//!
//! | trait | implemented for | required by |
//! |---|---|---|
//! | [`Keyed`] | the types of keys and flags | [`Key`](crate::Key), [`Flag`](crate::Flag) |
//! | [`Accept<F>`](Accept) | keys, for each `F` that can be their target | `update` |
//! | [`Pointed`] | keys of functions and methods | `update_fn` |
//! | [`Handle`] | handles of traits | the two traits below |
//! | [`Switch<I>`](Switch) | handles, for each `I` that they can call | `update`, `update_all` |
//! | [`SafeToSwitch`] | handles of traits that are not `unsafe` | `update_all`, `reset_all` |

use crate::record::KeyRecord;
use crate::request::Request;
use crate::target::PointerCell;

/// Marks the type of a [`Key`](crate::Key) or a [`Flag`](crate::Flag).
///
/// `#[static_call]` implements it for the enum named after a function (`checksum`), and for a
/// hidden type for each method. [`flag!`](crate::flag!) implements it for the type named after the
/// static.
///
/// # Safety
///
/// 1. `RECORD` is the address of a static in the slice of keys, and belongs to no other key.
/// 2. `stub` jumps through that record's slot, and `test` tests that record.
/// 3. The shim that the record's default describes has the parameters and the result of the key's
///    trampolines.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of a static call or a flag",
    note = "`#[static_call]` makes keys, `static_call::flag!` makes flags"
)]
pub unsafe trait Keyed: Sized + 'static {
    /// The key's record.
    #[doc(hidden)]
    const RECORD: *const KeyRecord;

    /// Jumps through the slot.
    ///
    /// # Safety
    ///
    /// 1. Rust code never calls it: its real parameters and result are those of the key's target.
    #[doc(hidden)]
    unsafe extern "C" fn stub();

    /// Tests whether the key is on: sets the zero flag if it is off.
    ///
    /// # Safety
    ///
    /// 1. Rust code never calls it: its result is a flag of the processor.
    #[doc(hidden)]
    unsafe extern "C" fn test();
}

/// Marks `F` as a possible target of the key `Self`.
///
/// `#[static_call]` implements it for all functions and closures with the signature of the static
/// call that are `Copy`, `Send`, `Sync` and `'static`. If the compiler refuses a target, compare
/// its arguments and its result with that signature. A closure that captures something is refused,
/// too: keep what it needs in a static, or pass a function pointer to
/// [`Key::update_fn`](crate::Key::update_fn).
///
/// # Safety
///
/// 1. `SHIM` is a function with the parameters and the result of the key's trampolines.
/// 2. That function conjures a value of `F` and of no other type, and is reachable only through
///    `SHIM`.
pub unsafe trait Accept<F>: Keyed {
    /// The shim for `F`.
    #[doc(hidden)]
    const SHIM: *const ();
}

/// Marks a key that can call a function known only at run time.
///
/// `#[static_call]` implements it for the key of every function and method. Flags have no function
/// to call.
///
/// # Safety
///
/// 1. `THROUGH` is a function with the parameters and the result of the key's trampolines, which
///    calls the `Pointer` in the key's cell.
/// 2. `Pointer` is the type of a pointer to a function.
/// 3. `cell` returns the same cell each time, and belongs to no other key.
pub unsafe trait Pointed: Keyed {
    /// The type of the function pointer, such as `for<'a> fn(&'a [u8]) -> u32`.
    type Pointer: Copy;
    /// The shim that calls what the cell holds.
    #[doc(hidden)]
    const THROUGH: *const ();

    /// Returns the cell of the pointer.
    #[doc(hidden)]
    fn cell() -> &'static PointerCell;
}

/// Marks the handle of a trait: `StaticCodec` for `Codec`.
///
/// `#[static_call]` on a trait implements it for the handle that it makes.
///
/// # Safety
///
/// 1. The requests are for the keys of the handle's methods and for no others.
pub unsafe trait Handle {
    /// An array with one request for each method.
    #[doc(hidden)]
    type Requests: AsMut<[Request]>;

    /// Returns one request for each method: to call its default.
    #[doc(hidden)]
    fn defaults() -> Self::Requests;
}

/// Marks `I` as an implementation that a handle can be switched to.
///
/// `#[static_call]` on a trait implements it for each `I` that implements the trait with the
/// associated types of the handle and, if a method has `&self`, has an
/// [`Instance`](trait@crate::Instance). With `update = visibility` the right to switch is a type of
/// its own, which implements this trait instead of the handle: `StaticCodecKeys`.
///
/// # Safety
///
/// 1. Each request's target has the signature of its key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be switched to `{I}` here",
    note = "if the attribute says `update = visibility`, the right to switch is a type of its own: \
            the handle's name followed by `Keys`"
)]
pub unsafe trait Switch<I>: Handle {
    /// Returns one request for each method: to call that of `I`.
    #[doc(hidden)]
    fn requests() -> Self::Requests;
}

/// Marks a handle that may be switched in a batch: its trait is not `unsafe`.
///
/// `#[static_call]` implements it for the handles of all other traits. The handle of an
/// `unsafe trait` has `unsafe` functions of its own instead.
///
/// # Safety
///
/// 1. The trait is not `unsafe`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be switched in a batch",
    note = "if it is the handle of an `unsafe trait`, call its own `update`, which is `unsafe`"
)]
pub unsafe trait SafeToSwitch: Handle {}
