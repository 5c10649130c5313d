//! One check in a hot loop that keeps many values in registers: a check that needs a register, or
//! changes the processor's flags, has its price.

use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use measure::{Way, Workload};
use static_call::{call, flag, static_call};
use static_keys::{define_static_key_false, static_branch_unlikely};

use crate::work::{cheap, expensive, none, text_of};

/// Turns of the loop in a pass.
const TURNS: u64 = 10_000;

#[static_call]
fn on_none();
#[static_call]
fn on_cheap(x: u64);
#[static_call]
fn on_expensive(text: &str);

flag! {
    static NONE = false;
    static CHEAP = false;
    static EXPENSIVE = false;
}

define_static_key_false!(KEY_NONE);
define_static_key_false!(KEY_CHEAP);
define_static_key_false!(KEY_EXPENSIVE);

static BOOL: AtomicBool = AtomicBool::new(false);
static POINTER: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Pads with no-ops to the next cache line, where a loop begins: alignment can cost more than what
/// is measured.
#[inline(always)]
fn align() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it only pads with no-ops.
    unsafe {
        std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
    }
}

/// A no-op, a byte shorter than a hook or flag that is off.
#[inline(always)]
fn no_op() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it does nothing.
    unsafe {
        std::arch::asm!("nop dword ptr [rax + rax]", options(nomem, nostack, preserves_flags));
    }
}

/// Declares a function that passes `TURNS` times by a check. It keeps eleven values and a counter.
macro_rules! pass {
    ($name:ident, $x:ident, $y:ident, $check:expr) => {
        #[inline(never)]
        fn $name(seed: u64) -> u64 {
            let [mut a, mut b, mut c, mut d, mut e, mut f] = [seed, 2, 3, 4, 5, 6];
            let [mut g, mut h, mut i, mut j, mut k] = [7, 8, 9, 10, 11];
            let mut n = TURNS;
            align();
            loop {
                a = a.rotate_left(1) ^ b;
                b = b.wrapping_add(c).rotate_left(3);
                c = c.rotate_left(5) ^ d;
                d = d.wrapping_add(e).rotate_left(7);
                e = e.rotate_left(9) ^ f;
                f = f.wrapping_add(g).rotate_left(11);
                {
                    let ($x, $y) = (a, b);
                    // Not every check passes them on.
                    _ = ($x, $y);
                    $check
                }
                g = g.rotate_left(13) ^ h;
                h = h.wrapping_add(i).rotate_left(15);
                i = i.rotate_left(17) ^ j;
                j = j.wrapping_add(k).rotate_left(19);
                k = k.rotate_left(21) ^ a;
                n -= 1;
                if n == 0 {
                    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k;
                }
            }
        }
    };
}

/// Declares the ways for one kind of argument.
macro_rules! kind {
    ($module:ident, $call:ident($($argument:expr)?), $hook:ident, $flag:ident, $key:ident,
     $x:ident, $y:ident, $text:literal $(, $logged:expr)?) => {
        mod $module {
            use super::*;

            pass!(without, $x, $y, {});
            // Controls: the instructions after them take other places in the processor.
            pass!(no_op_once, $x, $y, no_op());
            pass!(no_op_twice, $x, $y, {
                no_op();
                no_op();
            });
            pass!(hook, $x, $y, { call!($hook($($argument)?)); });
            pass!(flag, $x, $y, if $flag.unlikely() { $call($($argument)?) });
            pass!(switch, $x, $y, if static_branch_unlikely!($key) { $call($($argument)?) });
            pass!(boolean, $x, $y, if BOOL.load(Ordering::Relaxed) { $call($($argument)?) });
            pass!(
                pointer, $x, $y,
                if !POINTER.load(Ordering::Acquire).is_null() { $call($($argument)?) }
            );
            pass!(by_log, $x, $y, log::trace!($text $(, $logged)?));
            pass!(by_tracing, $x, $y, tracing::trace!($text $(, $logged)?));

            pub(super) const WAYS: [(&str, fn(u64) -> u64); 10] = [
                ("no check", without),
                ("no check, a no-op", no_op_once),
                ("no check, two no-ops", no_op_twice),
                ("hook", hook),
                ("flag", flag),
                ("static-keys", switch),
                ("AtomicBool", boolean),
                ("AtomicPtr", pointer),
                ("log", by_log),
                ("tracing", by_tracing),
            ];
        }
    };
}

kind!(no_arguments, none(), on_none, NONE, KEY_NONE, x, y, "here");
// Text gets a copy, or the value itself would have to be in memory.
kind!(cheap_argument, cheap(x), on_cheap, CHEAP, KEY_CHEAP, x, y, "{}", { x });
kind!(
    expensive_argument,
    expensive(&text_of(x, y)),
    on_expensive,
    EXPENSIVE,
    KEY_EXPENSIVE,
    x,
    y,
    "{}",
    text_of(x, y)
);

/// Returns the workloads.
pub(crate) fn workloads() -> Vec<Workload> {
    // The compiler removes an atomic that nothing stores to.
    BOOL.store(black_box(false), Ordering::Relaxed);
    POINTER.store(black_box(null_mut()), Ordering::Relaxed);
    [
        ("hot, no arguments", no_arguments::WAYS),
        ("hot, a cheap argument", cheap_argument::WAYS),
        ("hot, an expensive argument", expensive_argument::WAYS),
    ]
    .map(|(name, ways)| Workload::new(name, ways.map(|(name, pass)| Way::hot(name, TURNS, pass))))
    .into()
}
