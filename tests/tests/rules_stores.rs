//! Stores into code: what they may change, what must be there before, and what remains after.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use static_call::{Grade, Path, UpdateError, call};
use static_call_tests as lib;
use support::{BREAKPOINT, Code};

/// These tests take turns, because they look at all code.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add_seven(x: u64) -> u64 {
    x + 7
}

fn add_eight(x: u64) -> u64 {
    x + 8
}

/// Makes calls that are no-ops while `note` is off. In the crate that is linked last, trampolines
/// are local and calls to them are aligned.
#[inline(never)]
fn noted(sum: &AtomicU64, x: u64) -> u64 {
    call!(lib::note(sum, x));
    call!(lib::note(sum, 1));
    sum.load(Ordering::Relaxed)
}

fn add(sum: &AtomicU64, x: u64) {
    sum.fetch_add(x, Ordering::Relaxed);
}

fn add_twice(sum: &AtomicU64, x: u64) {
    sum.fetch_add(2 * x, Ordering::Relaxed);
}

const X: u64 = 1 << 42;

fn check(target: fn(u64) -> u64) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X));
}

/// Sets a breakpoint and updates: the error names the address, and nothing changes.
fn refused_with_breakpoint_at(address: usize, length: usize) {
    check(add_seven);
    let kept = support::poke(address, BREAKPOINT);
    let code = Code::now();
    let before = lib::apply::query();
    let error = lib::apply::update(add_eight).expect_err("there is a breakpoint");
    let UpdateError::ForeignBytes { address: named, length: named_length, expected, found } = error
    else {
        panic!("{error}")
    };
    assert_eq!((named, named_length), (address, length));
    assert_eq!((expected[0], found[0]), (kept, BREAKPOINT));
    assert_eq!(expected[1..length], found[1..length]);
    assert!(error.to_string().contains(&format!("{address:#x}")), "{error}");
    code.assert_unchanged();
    assert_eq!(support::open_pages(), [""; 0]);
    assert_eq!(lib::apply::query().address(), before.address());
    support::poke(address, kept);
    check(add_seven);
    // Without the breakpoint updates work again.
    lib::apply::update(add_eight).unwrap();
    check(add_eight);
    lib::apply::update(add_seven).unwrap();
    check(add_seven);
}

#[test]
fn a_breakpoint_on_a_call_or_a_trampoline_fails_the_update() {
    let _turn = turn();
    lib::apply::reset().unwrap();
    static_call::unbind().unwrap();
    let calls = support::calls("apply");
    let mut trampolines: Vec<usize> = calls.iter().map(support::destination).collect();
    trampolines.sort_unstable();
    trampolines.dedup();
    assert!(calls.len() >= 6 && trampolines.len() >= 4, "{calls:#?}");

    lib::apply::update(add_seven).unwrap();
    let bound = support::calls("apply");
    let inline: Vec<_> = bound.iter().filter(|c| c.path == Path::Inline).collect();
    assert!(inline.len() >= 4, "{bound:#?}");
    for call in inline {
        let length = if support::read(call.address, 1)[0] == 0x0f { 6 } else { 5 };
        refused_with_breakpoint_at(call.address, length);
    }
    for trampoline in trampolines {
        refused_with_breakpoint_at(trampoline, 8);
    }
}

#[test]
fn breakpoints_next_to_an_instruction_survive() {
    let _turn = turn();
    lib::apply::update(add_seven).unwrap();
    lib::note::reset().unwrap();
    let neighbours = |key: &str| {
        let calls = support::calls(key);
        let inline = calls.into_iter().filter(|c| c.grade == Some(Grade::Quad));
        let other = |address: usize| {
            let first = address & !7;
            (first..first + 8).find(move |a| !(address..address + 5).contains(a))
        };
        inline.filter_map(|c| other(c.address)).collect::<Vec<_>>()
    };
    let places = [neighbours("apply"), neighbours("note")].concat();
    assert!(places.len() >= 4);
    let kept: Vec<u8> = places.iter().map(|&a| support::poke(a, BREAKPOINT)).collect();
    lib::apply::update(add_eight).unwrap();
    lib::note::update(add).unwrap();
    lib::note::disable().unwrap();
    for (&place, &kept) in places.iter().zip(&kept) {
        assert_eq!(support::poke(place, kept), BREAKPOINT, "at {place:#x}");
    }
    check(add_eight);
}

#[test]
fn a_call_becomes_a_no_op_and_a_call_again() {
    let _turn = turn();
    let sum = AtomicU64::new(0);
    lib::note::update(add).unwrap();
    assert_eq!(noted(&sum, 10), 11);
    support::assert_path("note", Path::Inline);
    lib::note::disable().unwrap();
    assert_eq!(noted(&sum, 10), 11);
    for call in support::calls("note") {
        assert_eq!(support::read(call.address, 5), [0x0f, 0x1f, 0x44, 0, 0]);
    }
    support::assert_path("note", Path::Inline);
    lib::note::update(add_twice).unwrap();
    assert_eq!(noted(&sum, 10), 33);
    let linked = static_call::unbind().unwrap();
    assert_eq!(linked.inline, 0);
    assert_eq!(noted(&sum, 10), 55);
    support::assert_path("note", Path::Indirect);
}

#[test]
fn no_page_stays_open() {
    let _turn = turn();
    let code = Code::now();
    for round in 0..20 {
        let done = match round % 4 {
            0 => static_call::init(),
            1 => lib::apply::update(add_eight),
            2 => lib::note::disable(),
            _ => static_call::unbind(),
        };
        assert_eq!(done.map(|u| (u.pages_left_open, u.lost)), Ok((0, 0)));
        assert_eq!(support::open_pages(), [""; 0], "round {round}");
    }
    lib::apply::reset().unwrap();
    lib::note::reset().unwrap();
    static_call::unbind().unwrap();
    drop(code);
}

/// `unbind` restores what the linker wrote.
#[test]
fn unbinding_restores_the_linked_code() {
    let _turn = turn();
    support::unbound_after(|| drop(lib::apply::update(add_eight).unwrap()));
    check(add_eight);
}
