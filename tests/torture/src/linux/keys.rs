//! The keys, one for each family of signatures, each with a default and three more targets.
//!
//! A target's result is a function of the argument and of the target's number, from 0 for the
//! default to 3, so that each result shows which target made it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use static_call::{Batch, Update, UpdateError, flag, static_call};

type Done = Result<Update, UpdateError>;
type Collected = Result<(), UpdateError>;

/// A key, as the threads that update see it.
pub(super) struct Switch {
    pub(super) name: &'static str,
    /// Gives the key the target of this number.
    pub(super) update: fn(u64) -> Done,
    /// The same as a part of a batch.
    pub(super) collect: fn(&mut Batch, u64) -> Collected,
}

/// Defines the targets of a key, and its [`Switch`].
macro_rules! switch {
    ($name:ident, $key:ident: $one:expr, $two:expr, $three:expr) => {
        pub(super) const $name: Switch = Switch {
            name: stringify!($key),
            update: |target| match target % 4 {
                0 => $key::reset(),
                1 => $key::update($one),
                2 => $key::update($two),
                _ => $key::update($three),
            },
            collect: |batch, target| match target % 4 {
                0 => batch.reset($key::KEY),
                1 => batch.update($key::KEY, $one),
                2 => batch.update($key::KEY, $two),
                _ => batch.update($key::KEY, $three),
            },
        };
    };
}

/// The result of a scalar target.
#[inline]
fn scaled(x: u64, target: u64) -> u64 {
    x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ target
}

/// Returns whether some target of a scalar key gives this result.
#[inline]
pub(super) fn is_scaled(x: u64, result: u64) -> bool {
    scaled(x, 0) ^ result < 4
}

/// The key with the most sites.
#[static_call]
pub(super) fn scalar(x: u64) -> u64 {
    scaled(x, 0)
}
switch!(SCALAR, scalar: |x| scaled(x, 1), |x| scaled(x, 2), far);

/// A target that does not become one with the shim that calls it.
#[inline(never)]
fn far(x: u64) -> u64 {
    scaled(std::hint::black_box(x), 3)
}

/// Eight arguments: two are on the stack.
#[static_call]
#[allow(clippy::too_many_arguments, reason = "that is what is tested")]
pub(super) fn many(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u64 {
    summed([a, b, c, d, e, f, g, h], 0)
}
switch!(MANY, many:
    |a, b, c, d, e, f, g, h| summed([a, b, c, d, e, f, g, h], 1),
    |a, b, c, d, e, f, g, h| summed([a, b, c, d, e, f, g, h], 2),
    |a, b, c, d, e, f, g, h| summed([a, b, c, d, e, f, g, h], 3));

fn summed(all: [u64; 8], target: u64) -> u64 {
    all.into_iter().zip(1..).fold(0, |sum: u64, (x, n): (u64, u64)| sum.wrapping_add(x * n)) * 4
        + target
}

/// A result in memory.
#[static_call]
pub(super) fn wide(x: u64) -> [u64; 8] {
    [x; 8]
}
switch!(WIDE, wide: |x| [x ^ 1; 8], |x| [x ^ 2; 8], |x| [x ^ 3; 8]);

/// Floating point and 128 bits.
#[static_call]
pub(super) fn mixed(x: f64, y: u128) -> f64 {
    x + (y >> 64) as f64
}
switch!(MIXED, mixed:
    |x, y| x + (y >> 64) as f64 + 0.25,
    |x, y| x + (y >> 64) as f64 + 0.5,
    |x, y| x + (y >> 64) as f64 + 0.75);

/// A string that targets make, and drop.
#[static_call]
pub(super) fn text(start: String, x: u8) -> String {
    joined(start, x, '0')
}
switch!(TEXT, text: |s, x| joined(s, x, '1'), |s, x| joined(s, x, '2'), |s, x| joined(s, x, '3'));

fn joined(start: String, x: u8, target: char) -> String {
    format!("{start}{x}{target}")
}

/// A target may panic.
#[static_call]
pub(super) fn fallible(x: u64) -> u64 {
    scaled(x, 0)
}
switch!(FALLIBLE, fallible: |x| scaled(x, 1), |x| scaled(x, 2), panics);

/// What the panicking target panics with: not an error that the panic hook should print.
pub(super) struct Expected(pub(super) u64);

fn panics(x: u64) -> u64 {
    std::panic::resume_unwind(Box::new(Expected(x)))
}

/// Targets that call the key again.
#[static_call]
pub(super) fn recursive(x: u64) -> u64 {
    x
}
switch!(RECURSIVE, recursive: |x| again(x, 1), |x| again(x, 2), |x| again(x, 1));

/// Counts down. Whatever target the inner call reaches, the result is `x`.
fn again(x: u64, by: u64) -> u64 {
    if x % 64 < by { x } else { recursive(x - by) + by }
}

/// Targets that update another key.
#[static_call]
pub(super) fn meddling(x: u64) -> u64 {
    scaled(x, 0)
}
switch!(MEDDLING, meddling: |x| meddle(x, 1), |x| meddle(x, 2), |x| scaled(x, 3));

fn meddle(x: u64, target: u64) -> u64 {
    if x.is_multiple_of(0x4000) {
        // It may fail only because this thread is in the middle of an update.
        let _ = (WIDE.update)(x >> 14);
    }
    scaled(x, target)
}

/// Off, or on with one of three targets.
#[static_call]
pub(super) fn heard(sum: &AtomicU64, x: u64);
switch!(HEARD, heard:
    |sum, x| { sum.fetch_add(x, Relaxed); },
    |sum, x| { sum.fetch_add(2 * x, Relaxed); },
    |sum, x| { sum.fetch_add(3 * x, Relaxed); });

/// Constants.
#[static_call]
pub(super) fn level() -> u32 {
    10
}
switch!(LEVEL, level: || 11, || 12, || 13);

flag! {
    /// Off at first.
    pub(super) static LOUD = false;
    /// On at first.
    pub(super) static QUIET = true;
}

/// All keys of functions.
pub(super) const ALL: [&Switch; 10] =
    [&SCALAR, &MANY, &WIDE, &MIXED, &TEXT, &FALLIBLE, &RECURSIVE, &MEDDLING, &HEARD, &LEVEL];

/// Two keys that a batch may not make call each other.
#[static_call]
pub(super) fn front(x: u64) -> u64 {
    scaled(x, 0)
}

#[static_call]
pub(super) fn back(x: u64) -> u64 {
    scaled(x, 1)
}
