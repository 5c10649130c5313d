//! Arguments by value are dropped exactly once on every path, and panics run destructors.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use static_call::{call, static_call};

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Larger than two registers, so it is passed by pointer.
struct Large(u32, [u64; 4]);
/// Passed in a register.
struct Small(u32);

impl Drop for Large {
    fn drop(&mut self) {
        assert_eq!(self.1, [7; 4], "a value was copied incorrectly");
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

fn large(n: u32) -> Large {
    Large(n, [7; 4])
}

/// Returns what was dropped since the last call, sorted by number.
fn dropped() -> Vec<u32> {
    let mut dropped = DROPPED.take();
    dropped.sort_unstable();
    dropped
}

#[static_call]
fn consume(a: Large, b: Small, c: Box<Small>) -> Option<Large> {
    let _ = (b, c);
    Some(a)
}

#[static_call]
fn ignore(_: Large, _: Small);

impl Large {
    fn number(&self) -> u32 {
        self.0
    }
}

#[static_call]
impl Large {
    #[static_call]
    fn merge(mut self, other: Self) -> Self {
        self.0 += other.number();
        self
    }
}

#[test]
fn once_each() {
    for f in [
        || consume(large(1), Small(2), Box::new(Small(3))),
        || call!(consume(large(1), Small(2), Box::new(Small(3)))),
        || consume::original(large(1), Small(2), Box::new(Small(3))),
    ] {
        let kept = f();
        assert_eq!(dropped(), [2, 3]);
        drop(kept);
        assert_eq!(dropped(), [1]);
    }
    consume::update(|_, b, _| {
        std::mem::forget(b);
        None
    })
    .unwrap();
    assert!(consume(large(1), Small(2), Box::new(Small(3))).is_none());
    assert_eq!(dropped(), [1, 3]);
    assert!(call!(consume(large(1), Small(2), Box::new(Small(3)))).is_none());
    assert_eq!(dropped(), [1, 3]);
}

#[test]
fn without_body() {
    ignore(large(1), Small(2));
    assert_eq!(dropped(), [1, 2]);
    // Not evaluated, so not dropped.
    call!(ignore(large(1), Small(2)));
    assert_eq!(dropped(), []);
    ignore::update(|a, b| {
        std::mem::forget(b);
        drop(a);
    })
    .unwrap();
    call!(ignore(large(1), Small(2)));
    assert_eq!(dropped(), [1]);
    ignore::disable().unwrap();
    call!(ignore(large(1), Small(2)));
    assert_eq!(dropped(), []);
    ignore(large(1), Small(2));
    assert_eq!(dropped(), [1, 2]);
}

#[test]
fn methods() {
    assert_eq!(large(1).merge(large(2)).number(), 3);
    assert_eq!(dropped(), [2, 3]);
    assert_eq!(call!(Large::merge(large(1), large(2))).number(), 3);
    assert_eq!(dropped(), [2, 3]);
    Large::MERGE.update(|_, other| other).unwrap();
    assert_eq!(call!(Large::merge(large(1), large(2))).number(), 2);
    assert_eq!(dropped(), [1, 2]);
}

#[static_call]
fn fragile(a: Large, b: Small, fail: bool) -> (Large, Small) {
    assert!(!fail, "asked to");
    (a, b)
}

/// Makes the call, with values that have destructors before and after it.
fn around(call: impl Fn() -> (Large, Small)) {
    let _before = Small(10);
    let _result = call();
    let _after = Small(11);
}

#[test]
fn panics_unwind() {
    let plain = || around(|| fragile(large(1), Small(2), true));
    let site = || around(|| call!(fragile(large(1), Small(2), true)));
    let calls: [&dyn Fn(); 2] = [&plain, &site];
    let check = |message: &str| {
        for call in calls {
            let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&message));
            assert_eq!(dropped(), [1, 2, 10]);
        }
    };
    check("asked to");
    fragile::update(|_, b, _| {
        let _guard = b;
        panic!("target")
    })
    .unwrap();
    check("target");
    fragile::reset().unwrap();
    check("asked to");
    around(|| call!(fragile(large(1), Small(2), false)));
    assert_eq!(dropped(), [1, 2, 10, 11]);
}

#[test]
fn a_panic_in_an_argument() {
    #[static_call]
    fn two(_: Large, n: u8) {
        unreachable!("{n}")
    }
    fn fail() -> u8 {
        panic!("argument")
    }
    catch_unwind(|| two(large(1), fail())).unwrap_err();
    assert_eq!(dropped(), [1]);
    catch_unwind(|| call!(two(large(1), fail()))).unwrap_err();
    assert_eq!(dropped(), [1]);
}
