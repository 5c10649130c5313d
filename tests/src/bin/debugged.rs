//! A program that updates while a debugger sets breakpoints in its code. It checks its own results;
//! the exit code is 0 if all were right.
//!
//! - `places` prints the addresses of a call, of its trampoline, and of a jump label.
//! - `late` asks for a breakpoint at each of them, and at a function, after its first update.
//! - `early` asks for one, and then makes its first update.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use static_call::{CallReport, Kind, Path, Update, UpdateError, call, flag, static_call};

#[static_call]
fn price(x: u64) -> u64 {
    x + 1
}

#[static_call]
fn other(x: u64) -> u64 {
    x + 100
}

flag! { static LOUD = false; }

#[inline(never)]
fn caller(x: u64) -> u64 {
    let price = black_box(call!(price(x)));
    price + if LOUD.unlikely() { black_box(1000) } else { 0 }
}

/// Lies beside the other calls, and is updated all the time.
#[inline(never)]
fn neighbour(x: u64) -> u64 {
    black_box(call!(other(x)))
}

/// The debugger sets a breakpoint at the address in the argument.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn debugged_set(place: usize) {
    black_box(place);
}

/// The debugger removes the breakpoint.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn debugged_remove(place: usize, _more: usize) {
    black_box((place, 1));
}

/// Reads a byte of code as the processor finds it.
fn byte(address: usize) -> u8 {
    let at = std::ptr::with_exposed_provenance::<u8>(address);
    // SAFETY: INV-TEXT: the address is that of code of this program.
    unsafe { at.read_volatile() }
}

fn has_breakpoint(place: usize) -> bool {
    byte(place) == 0xcc
}

/// Returns the instructions of a key.
fn instructions(key: &str) -> Vec<CallReport> {
    let report = static_call::report();
    let of_key = report.keys.into_iter().filter(|k| k.name == key);
    of_key.flat_map(|key| key.sites).flat_map(|site| site.calls).collect()
}

/// Returns the addresses of the call and of the label.
fn call_and_label() -> [usize; 2] {
    let [call] = instructions("price")[..] else { panic!("one call") };
    let [label] = instructions("LOUD")[..] else { panic!("one label") };
    assert!(call.grade.is_some_and(|grade| !grade.takes_steps()));
    assert_eq!(label.kind, Some(Kind::Label));
    [call.address, label.address]
}

/// Returns the addresses of the call, of its trampoline, and of the label.
fn places() -> [usize; 3] {
    static_call::unbind().expect("no breakpoints here");
    let [call, label] = call_and_label();
    let displacement = [1, 2, 3, 4].map(|n| byte(call + n));
    let trampoline = (call + 5).wrapping_add_signed(i32::from_le_bytes(displacement) as isize);
    [call, trampoline, label]
}

fn switch_price(on: bool) -> Result<Update, UpdateError> {
    if on { price::update(|x| x + 7) } else { price::reset() }
}

fn check(price: bool, loud: bool) {
    let expected = if price { 8 } else { 2 } + if loud { 1000 } else { 0 };
    assert_eq!(caller(black_box(1)), expected);
}

/// Updates a key whose code has a breakpoint: refused, until the breakpoint is removed.
fn refused(
    place: usize,
    switch: impl Fn(bool) -> Result<Update, UpdateError>,
    check: impl Fn(bool),
) {
    switch(false).expect("no breakpoints here");
    debugged_set(place);
    assert!(has_breakpoint(place), "the debugger did not set it");
    for _ in 0..2 {
        match switch(true) {
            Err(UpdateError::ForeignBytes { address, found, .. }) => {
                assert_eq!((address, found[0]), (place, 0xcc));
            }
            other => panic!("{place:#x}: {other:?}"),
        }
        check(false);
    }
    debugged_remove(place, 1);
    assert!(!has_breakpoint(place), "the debugger did not remove it");
    switch(true).expect("no breakpoints here");
    check(true);
    switch(false).expect("no breakpoints here");
    check(false);
}

/// Updates around a breakpoint that shares no byte with the code to change.
fn around(place: usize) {
    debugged_set(place);
    assert!(has_breakpoint(place), "the debugger did not set it");
    for on in [true, false] {
        switch_price(on).expect("it does not overlap");
        LOUD.set(on).expect("it does not overlap");
        check(on, on);
        assert!(has_breakpoint(place), "the breakpoint is kept");
    }
    debugged_remove(place, 1);
    check(false, false);
}

fn late() {
    let [call, trampoline, label] = places();
    static_call::init().expect("no breakpoints here");
    for place in [call, trampoline] {
        refused(place, switch_price, |on| check(on, false));
    }
    refused(label, |on| LOUD.set(on), |on| check(false, on));
    around(caller as fn(u64) -> u64 as usize);
}

/// The breakpoint is there before the program looks at its code.
fn early() {
    debugged_set(0);
    for on in [true, false, true] {
        switch_price(on).expect("such code is left alone");
        LOUD.set(on).expect("such code is left alone");
        check(on, on);
    }
    let report = static_call::report();
    let [problem] = &report.problems[..] else { panic!("{report}") };
    let place = problem.address.expect("a place");
    assert!(has_breakpoint(place), "{place:#x}: {report}");
    assert!(problem.message.contains("not what was recorded"), "{report}");
    println!("{place:#x}");
    debugged_remove(place, 1);
    assert!(!has_breakpoint(place), "the debugger did not remove it");
    // What was found at the first use holds for as long as the program runs.
    for on in [false, true] {
        switch_price(on).expect("no breakpoints here");
        LOUD.set(on).expect("no breakpoints here");
        check(on, on);
    }
    let left = [instructions("price"), instructions("LOUD")].concat();
    let is_there = |call: &&CallReport| call.address == place;
    assert!(left.iter().filter(is_there).all(|call| call.path != Path::Inline), "{left:#?}");
    other::reset().expect("no breakpoints here");
    assert!(instructions("other").iter().all(|call| call.path == Path::Inline));
}

/// Updates the other key until the program has done its work.
fn update_other(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        other::update(|x| x + 200).expect("no breakpoints here");
        assert_eq!(neighbour(black_box(1)), 201);
        other::reset().expect("no breakpoints here");
        assert_eq!(neighbour(black_box(1)), 101);
    }
}

/// Sets the flag when it is dropped, so that the other thread ends after a panic, too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn main() {
    let word = std::env::args().nth(1).expect("places, late or early");
    if word == "places" {
        let [call, trampoline, label] = places();
        println!("places {call:#x} {trampoline:#x} {label:#x}");
        return;
    }
    let done = AtomicBool::new(false);
    if word == "early" {
        early();
    }
    std::thread::scope(|scope| {
        let _stop = Stop(&done);
        scope.spawn(|| update_other(&done));
        if word == "late" {
            late();
        }
    });
    println!("every result was right");
}
