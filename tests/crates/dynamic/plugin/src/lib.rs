//! A shared object with its own key and its own runtime.

use static_call::{call, static_call};

#[static_call]
fn level(n: u32) -> u32 {
    n
}

/// Updates a key, and calls it before and after.
#[unsafe(no_mangle)]
pub extern "C" fn switch_and_call(n: u32) -> u32 {
    let before = level(n) + call!(level(n));
    level::update(|n| n + 1).unwrap();
    before + level(n) + call!(level(n))
}

/// Does the same, and writes to code only through an alias.
#[unsafe(no_mangle)]
pub extern "C" fn alias_and_call(n: u32) -> u32 {
    static_call::init_aliased().unwrap();
    assert!(static_call::report().aliased);
    switch_and_call(n)
}
