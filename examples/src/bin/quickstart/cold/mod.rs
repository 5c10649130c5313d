//! A thousand functions that can be switched, called like a server does: each request works on
//! other data first, so that caches no longer have what its calls need.

mod keys;

use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::time::Instant;

use keys::{Function, Slot};

/// Functions that can be switched.
pub(crate) const KEYS: usize = 1_000;
/// Calls in a request, each of another function.
pub(crate) const CALLS: u32 = 200;
/// Bytes that each request touches before its calls.
pub(crate) const TOUCHED: usize = 8 << 20;
/// Where this module's keys are declared.
pub(crate) const MODULE: &str = module_path!();

/// The ways to call, in the order of samples.
pub(crate) const WAYS: usize = 3;
pub(crate) const DIRECT: usize = 0;
pub(crate) const STATIC: usize = 1;
pub(crate) const ATOMIC: usize = 2;

#[inline(always)]
fn load(slot: &Slot) -> Function {
    let target = slot.0.load(Ordering::Acquire);
    // SAFETY: slots only ever hold functions of this type.
    unsafe { std::mem::transmute::<*mut (), Function>(target) }
}

/// Expands a macro with each name of a module.
macro_rules! each {
    ($what:ident $($argument:ident)*) => {
        each!(@ $what [$($argument)*] a b c d e f g h i j)
    };
    (@ $what:ident $arguments:tt $($name:ident)*) => {
        $(each!(@@ $what $arguments $name);)*
    };
    (@@ $what:ident [$($argument:ident)*] $name:ident) => {
        $what!($($argument)* $name)
    };
}

/// Calls a function in a way. Calls in a row are of functions that lie far apart.
macro_rules! call {
    (direct $x:ident $ones:ident $tens:ident $hundreds:ident) => {
        $x = keys::$hundreds::$tens::$ones::direct($x)
    };
    (switchable $x:ident $ones:ident $tens:ident $hundreds:ident) => {
        $x = keys::$hundreds::$tens::$ones::switchable($x)
    };
    (pointed $x:ident $ones:ident $tens:ident $hundreds:ident) => {
        $x = load(&keys::$hundreds::$tens::$ones::SLOT)($x)
    };
    (prepare $x:ident $ones:ident $tens:ident $hundreds:ident) => {{
        let function = black_box(keys::$hundreds::$tens::$ones::pointed as Function);
        keys::$hundreds::$tens::$ones::SLOT.0.store(function as *mut (), Ordering::Release);
        $x += 1;
    }};
}

macro_rules! tens {
    ($way:ident $x:ident $ones:ident $tens:ident) => {
        each!(call $way $x $ones $tens)
    };
}

/// Defines a function of two hundred calls.
macro_rules! request {
    ($name:ident, $way:ident, $first:ident, $second:ident) => {
        #[inline(never)]
        fn $name(mut x: u64) -> u64 {
            each!(tens $way x $first);
            each!(tens $way x $second);
            x
        }
    };
}

/// Defines five requests, which together call every function once.
macro_rules! requests {
    ($name:ident, $way:ident) => {
        const $name: [Function; 5] = {
            request!(first, $way, a, b);
            request!(second, $way, c, d);
            request!(third, $way, e, f);
            request!(fourth, $way, g, h);
            request!(fifth, $way, i, j);
            [first, second, third, fourth, fifth]
        };
    };
}

requests!(BY_NAME, direct);
requests!(BY_STATIC_CALL, switchable);
requests!(BY_POINTER, pointed);
requests!(STORES, prepare);

const REQUESTS: [[Function; 5]; WAYS] = [BY_NAME, BY_STATIC_CALL, BY_POINTER];

/// The data that requests touch, and what is measured.
pub(crate) struct Cold {
    lines: Vec<[u64; 8]>,
}

impl Cold {
    /// Returns the data. Stores all pointers, which the compiler would otherwise turn into direct
    /// calls.
    pub(crate) fn new() -> Self {
        for stores in STORES {
            stores(0);
        }
        Self { lines: vec![[1; 8]; TOUCHED / size_of::<[u64; 8]>()] }
    }

    /// Takes one sample of each way, in nanoseconds for a call. A different way comes first in each
    /// round. Returns `None` if ways gave different results.
    pub(crate) fn round(&mut self, number: usize) -> Option<[f64; WAYS]> {
        let mut round = [0.0; WAYS];
        for i in 0..WAYS {
            let way = (number + i) % WAYS;
            let request = black_box(REQUESTS[way][number % REQUESTS[way].len()]);
            self.touch();
            let begin = Instant::now();
            black_box(request(black_box(1)));
            round[way] = begin.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
        }
        // Each way's functions exclusive-or another constant. Here they cancel out; the rotations
        // do not.
        let result = |way: usize| {
            let request = REQUESTS[way][number % REQUESTS[way].len()];
            request(1) ^ request(2)
        };
        (0..WAYS).all(|way| result(way) == result(DIRECT)).then_some(round)
    }

    /// Reads and writes each cache line of the data.
    fn touch(&mut self) {
        let mut sum = 0_u64;
        for line in &mut self.lines {
            line[0] = line[0].wrapping_add(sum);
            sum = sum.wrapping_add(line[1]);
        }
        black_box(sum);
    }
}
