//! A program that runs the same instructions after every change, so that an emulator that executes
//! stale code gets a wrong result. The exit code is 0 if all results were right.

use std::hint::black_box;

use static_call::static_call;
use static_call_tests as lib;

#[static_call]
fn turned(x: u64) -> u64 {
    x + 300
}

#[inline(never)]
fn caller(x: u64) -> u64 {
    turned(x).rotate_left(1)
}

fn check(target: fn(u64) -> u64) {
    for x in [1 << 41, 1 << 42] {
        assert_eq!(lib::all_ways(x), lib::expected(target, x));
    }
}

fn main() {
    check(|x| x + 1);
    static_call::init().expect("no breakpoints here");
    check(|x| x + 1);
    for round in 0..black_box(6) {
        let on = round % 2 == 1;
        let changed = if on { turned::update(|x| x + 7) } else { turned::reset() };
        changed.expect("no breakpoints here");
        // Runs for the first time after it is bound.
        assert_eq!(caller(1), if on { 8 << 1 } else { 301 << 1 });
        lib::hooks::LOUD.set(on).expect("no breakpoints here");
        assert_eq!(lib::hooks::flags(), [on, on, true, true]);
        let changed = if on { lib::apply::update(lib::plus_two) } else { lib::apply::reset() };
        changed.expect("no breakpoints here");
        check(if on { |x| x + 2 } else { |x| x + 1 });
    }
    println!("{}", static_call::report().totals());
}
