//! What a check does if it finds something on.

use std::hint::black_box;

/// Takes nothing.
#[cold]
#[inline(never)]
pub(crate) fn none() {
    black_box(());
}

/// Takes a number.
#[cold]
#[inline(never)]
pub(crate) fn cheap(x: u64) {
    black_box(x);
}

/// Takes a text that is made for it.
#[cold]
#[inline(never)]
pub(crate) fn expensive(text: &str) {
    black_box(text);
}

/// Makes a text.
#[inline(never)]
pub(crate) fn text_of(x: u64, y: u64) -> String {
    format!("{x:x} and {y:x}")
}
