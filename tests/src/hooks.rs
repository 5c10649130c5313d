//! Hooks and flags in a crate upstream of the tests.

use std::hint::black_box;

use static_call::{call, flag, static_call};

/// Off until a test turns it on.
#[static_call]
pub fn heard(x: u64);

/// A hook that returns a choice.
#[static_call]
pub fn choice(x: u64) -> Option<u64>;

flag! {
    /// Off until a test turns it on.
    pub static LOUD = false;
    /// On until a test turns it off.
    pub static KEPT = true;
}

/// A site whose argument shows whether it was evaluated.
#[inline(never)]
pub fn plain(argument: &mut dyn FnMut() -> u64) {
    call!(heard(argument()));
}

/// A site whose code is generated in the crates that call it.
#[inline]
pub fn inlined(argument: &mut dyn FnMut() -> u64) {
    call!(heard(argument()));
}

/// The same, once for each type.
pub fn generic<F: FnMut() -> u64>(mut argument: F) {
    call!(heard(argument()));
}

/// A way to the hook.
pub type Way = fn(&mut dyn FnMut() -> u64);

/// All ways to the hook.
pub const WAYS: [Way; 3] = [plain, |argument| inlined(argument), |argument| generic(argument)];

/// Dropped by the linker, because nothing calls it.
pub fn dead(x: u64) {
    call!(heard(x));
}

/// The line of the site in `dead`.
pub const DEAD_LINE: u32 = line!() - 4;

/// Returns the flags' values at sites of this crate.
#[inline(never)]
#[must_use]
pub fn flags() -> [bool; 4] {
    [LOUD.unlikely(), LOUD.likely(), KEPT.likely(), KEPT.unlikely()]
}

/// Returns the flags' values at sites in the crates that call it.
#[inline]
#[must_use]
pub fn flags_inlined() -> [bool; 4] {
    [LOUD.unlikely(), LOUD.likely(), KEPT.likely(), KEPT.unlikely()]
}

flag! {
    /// Tested at the beginning of [`gated`].
    pub static GATE = false;
}

/// A target of `apply` that begins with a jump label if it is optimised.
#[inline(never)]
#[must_use]
pub fn gated(x: u64) -> u64 {
    // Nothing can be computed before the label, and nothing needs the stack.
    if GATE.unlikely() { more(x, 100) } else { more(x, 3) }
}

#[inline(never)]
fn more(x: u64, more: u64) -> u64 {
    x.wrapping_add(black_box(more))
}
