//! Bytes that something else writes into code, before an update and during it.

use static_call::{Path, UpdateError};
use static_call_tests as lib;
use support::supervisor::{Call, Verdict, supervise};
use support::{BREAKPOINT, Code};

use super::{add_eight, add_seven, check};

/// Returns the first bytes of the trampolines and of the inline calls of `apply`.
fn places() -> Vec<usize> {
    static_call::unbind().unwrap();
    let mut places: Vec<_> = support::calls("apply").iter().map(support::destination).collect();
    places.sort_unstable();
    places.dedup();
    lib::apply::update(add_seven).unwrap();
    let calls = support::calls("apply").into_iter().filter(|call| call.path == Path::Inline);
    places.extend(calls.map(|call| call.address));
    assert!(places.len() >= 8, "{places:x?}");
    places
}

/// Updates, and calls `decide` before each page is opened. The update must fail and change nothing.
fn refused(place: usize, mut decide: impl FnMut()) {
    let before = lib::apply::query().address();
    let result = supervise(
        |call| {
            if matches!(call, Call::Protect(rights) if rights & libc::PROT_WRITE as u64 != 0) {
                decide();
            }
            Verdict::Continue
        },
        || lib::apply::update(add_eight),
    );
    let Err(UpdateError::ForeignBytes { address, length, .. }) = result else {
        panic!("{place:#x}: {result:?}")
    };
    assert!((address..address + length).contains(&place), "{place:#x}: {address:#x}");
    assert_eq!(support::open_pages(), [""; 0]);
    assert_eq!(lib::apply::query().address(), before);
}

#[test]
fn breakpoints_are_noticed_before_pages_are_opened() {
    support::in_child("foreign::breakpoints_are_noticed_before_pages_are_opened", &[], || {
        for place in places() {
            let kept = support::poke(place, BREAKPOINT);
            let code = Code::now();
            refused(place, || panic!("a page is opened, although {place:#x} has a breakpoint"));
            code.assert_unchanged();
            support::poke(place, kept);
            check(add_seven);
        }
    });
}

/// A breakpoint that appears after the first check, when pages are opened, is not overwritten, and
/// nothing else changes.
#[test]
fn breakpoints_that_appear_while_pages_are_opened_survive() {
    let name = "foreign::breakpoints_that_appear_while_pages_are_opened_survive";
    support::in_child(name, &[], || {
        for place in places() {
            let mut kept = None;
            let code = Code::now();
            refused(place, || {
                kept.get_or_insert_with(|| support::poke(place, BREAKPOINT));
            });
            let kept = kept.expect("pages are opened");
            assert_eq!(support::poke(place, kept), BREAKPOINT, "{place:#x}");
            code.assert_unchanged();
            check(add_seven);
        }
        lib::apply::update(add_eight).unwrap();
        check(add_eight);
    });
}
