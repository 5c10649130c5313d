//! Safe code cannot implement the traits in users' signatures.

use std::any::TypeId;

use static_call::traits::{Accept, Handle, Keyed, Pointed, SafeToSwitch, Switch};
use static_call::Key;

enum Own {}

impl Keyed for Own {
    const RECORD: *const static_call::__private::KeyRecord = std::ptr::null();
    unsafe extern "C" fn stub() {}
    fn own_type() -> TypeId {
        TypeId::of::<Own>()
    }
}

impl<F> Accept<F> for Own {
    const TARGET: &'static static_call::__private::TargetRecord = &static_call::__private::FLAG_ON;
}

impl Pointed for Own {
    type Pointer = fn();
    const THROUGH: &'static static_call::__private::TargetRecord = &static_call::__private::FLAG_ON;
    fn address(pointer: fn()) -> *const () {
        pointer as *const ()
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
