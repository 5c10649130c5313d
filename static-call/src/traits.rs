//! The traits in the signatures of this crate: what implements each, and what to do where the
//! compiler says that one is not implemented.
//!
//! They are sealed: only code that the macros make implements them. A private supertrait could not
//! seal them, because that code is part of the user's crate. So they are `unsafe`, their items are
//! hidden, and those are no part of the crate's interface: they change without notice.
//!
//! | trait | implemented for | asked for by |
//! |---|---|---|
//! | [`Keyed`] | the types behind keys and flags | [`Key`](crate::Key), [`Flag`](crate::Flag) |
//! | [`Accept<F>`](Accept) | keys, for each `F` that can be their target | `update` |
//! | [`Pointed`] | keys, if function pointers have their signature | `update_fn` |
//! | [`Handle`] | handles of traits | the two below |
//! | [`Switch<I>`](Switch) | handles, for each `I` that they can call | `update`, `update_all` |
//! | [`SafeToSwitch`] | handles of traits that are not `unsafe` | `update_all`, `reset_all` |

use core::any::TypeId;

use crate::record::KeyRecord;
use crate::request::Request;
use crate::target::TargetRecord;

/// The type behind a [`Key`](crate::Key) or a [`Flag`](crate::Flag).
///
/// `#[static_call]` implements it for the enum beside a function (`checksum`), and for a hidden
/// type for each method; [`flag!`](crate::flag!) for the type of the same name as the static.
///
/// # Safety
///
/// 1. `RECORD` is the address of a static in the slice of keys, and of no other key's.
/// 2. `stub` jumps through that record's slot.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type behind a static call or a flag",
    note = "keys are made by `#[static_call]`, flags by `static_call::flag!`"
)]
pub unsafe trait Keyed: Sized + 'static {
    /// The record.
    #[doc(hidden)]
    const RECORD: *const KeyRecord;

    /// Jumps through the slot.
    ///
    /// # Safety
    ///
    /// 1. Rust code never calls it: its parameters and its result are those of the key's target.
    #[doc(hidden)]
    unsafe extern "C" fn stub();

    /// Returns the type of the function item that callers use.
    #[doc(hidden)]
    fn own_type() -> TypeId;
}

/// Says that `F` can be a target of the key `Self`.
///
/// `#[static_call]` implements it for all functions and closures with the signature of the static
/// call that are `Copy`, `Send`, `Sync` and `'static`. Where the compiler refuses a target, compare
/// its arguments and its result with that signature. A closure that captures something is refused,
/// too: keep what it needs in a static, or give a function pointer to
/// [`Key::update_fn`](crate::Key::update_fn).
///
/// # Safety
///
/// 1. `TARGET` leads to a function with the parameters and the result of the key's trampolines.
/// 2. That function conjures `F`, if anything, and is reachable only through `TARGET`.
pub unsafe trait Accept<F>: Keyed {
    /// The shim for `F` and its name.
    #[doc(hidden)]
    const TARGET: &'static TargetRecord;
}

/// Says that a key can call a function that is known only at run time.
///
/// `#[static_call]` implements it for the key of every function and method. Flags have no
/// function to call.
///
/// # Safety
///
/// 1. `THROUGH` leads to a function with the parameters and the result of the key's trampolines,
///    which calls the `Pointer` in the record's cell.
/// 2. `address` gives that pointer's address.
pub unsafe trait Pointed: Keyed {
    /// The function pointer: `for<'a> fn(&'a [u8]) -> u32`.
    type Pointer: Copy;
    /// The shim that calls what the cell holds.
    #[doc(hidden)]
    const THROUGH: &'static TargetRecord;

    /// Returns the address of the function.
    #[doc(hidden)]
    fn address(pointer: Self::Pointer) -> *const ();
}

/// The handle of a trait: `StaticCodec` for `Codec`.
///
/// `#[static_call]` on a trait implements it for the type that it makes.
///
/// # Safety
///
/// 1. The requests are about the keys of the handle's methods and no others.
pub unsafe trait Handle {
    /// One request per method: an array.
    #[doc(hidden)]
    type Requests: AsMut<[Request]>;

    /// Returns a request for every method's default.
    #[doc(hidden)]
    fn defaults() -> Self::Requests;
}

/// Says that the methods of a handle can be made those of `I`.
///
/// `#[static_call]` on a trait implements it for each `I` that implements the trait with the
/// associated types of the handle and, where a method has `&self`, has an
/// [`Instance`](trait@crate::Instance). With `update = visibility` the right to switch is a type of
/// its own, which implements this in the place of the handle: `StaticCodecKeys`.
///
/// # Safety
///
/// 1. Each request's target has the signature of its key.
#[diagnostic::on_unimplemented(
    message = "the methods of `{Self}` cannot be made those of `{I}` here",
    note = "where the attribute says `update = visibility`, the right to switch is a type of its \
            own: the handle's name with `Keys` after it"
)]
pub unsafe trait Switch<I>: Handle {
    /// Returns a request for every method of `I`.
    #[doc(hidden)]
    fn requests() -> Self::Requests;
}

/// Says that a handle may be switched in a batch: its trait is not `unsafe`.
///
/// `#[static_call]` implements it for the handles of all other traits. The handle of an
/// `unsafe trait` has `unsafe` functions of its own instead.
///
/// # Safety
///
/// 1. The trait is not `unsafe`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be switched in a batch",
    note = "if it is the handle of an `unsafe trait`, use its own `update`, which is `unsafe`"
)]
pub unsafe trait SafeToSwitch: Handle {}
