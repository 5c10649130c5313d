//! Safe code cannot implement the traits in users' signatures.

use static_call::traits::{Accept, Handle, Keyed, Pointed, SafeToSwitch, Switch};
use static_call::Key;

enum Own {}

impl Keyed for Own {
    const RECORD: *const static_call::__private::KeyRecord = std::ptr::null();
    unsafe extern "C" fn stub() {}
    unsafe extern "C" fn test() {}
}

impl<F> Accept<F> for Own {
    const SHIM: *const () = std::ptr::null();
}

impl Pointed for Own {
    type Pointer = fn();
    const THROUGH: *const () = std::ptr::null();
    fn cell() -> &'static static_call::__private::PointerCell {
        static CELL: static_call::__private::PointerCell = static_call::__private::PointerCell::new();
        &CELL
    }
}

impl Handle for Own {
    type Requests = [static_call::__private::Request; 0];
    fn defaults() -> Self::Requests {
        []
    }
}

impl<I> Switch<I> for Own {
    fn requests() -> Self::Requests {
        []
    }
}

impl SafeToSwitch for Own {}

enum NotAKey {}

fn name(key: Key<NotAKey>) -> &'static str {
    key.name()
}

fn reset(key: Key<NotAKey>) {
    let _ = static_call::batch(|batch| batch.reset(key));
}

fn main() {}
