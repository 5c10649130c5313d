//! The shim for a type without a value is out of reach, and a key's cell cannot be filled.
#![forbid(unsafe_code)]

use static_call::static_call;
use static_call::traits::{Accept, Pointed};

#[static_call]
fn level(n: u8) -> u8 {
    n
}

fn shim<F: Copy + Fn(u8) -> u8 + Send + Sync + 'static>(_: Option<F>) {
    let _: fn(u8) -> u8 = <level as Accept<F>>::SHIM;
    level::__shim::<F>(1);
}

fn main() {
    shim((false).then_some(|n: u8| n));
    <level as Pointed>::cell().store(main as *const ());
    <level as Pointed>::cell().0 = Default::default();
}
