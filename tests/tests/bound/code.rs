//! What the file of a bound image holds, and that `init` has nothing to do.

use static_call::{Kind, Path, call, flag, static_call};
use static_call_tests::{self as lib, hooks, splits};
use static_call_verify::{Policy, Report, stamp, verify};
use support::{BREAKPOINT, Code};

use super::{X, add_one, bind, check_apply, check_stepped, in_bound_image, linked};

const NOP: [u8; 5] = [0x0f, 0x1f, 0x44, 0, 0];

/// Keys of this crate, in which all calls are known to the table.
#[static_call]
fn own(x: u64) -> u64 {
    std::hint::black_box(x) + 40
}

#[static_call]
fn silent(x: u64);

flag! {
    static RARE = false;
    static USUAL = true;
}

#[static_call(select(avx2 => chosen_fast))]
fn chosen(x: u64) -> u64 {
    x + 50
}

#[target_feature(enable = "avx2")]
fn chosen_fast(x: u64) -> u64 {
    x + 50
}

#[inline(never)]
fn work(x: u64) -> u64 {
    call!(silent(x));
    let sum = own(x) ^ call!(own(x + 1)).rotate_left(3) ^ chosen(x).rotate_left(5);
    sum.rotate_left(u32::from(RARE.unlikely()) + 2 * u32::from(USUAL.likely()))
}

fn expected(x: u64) -> u64 {
    ((x + 40) ^ (x + 41).rotate_left(3) ^ (x + 50).rotate_left(5)).rotate_left(2)
}

fn report(image: &[u8]) -> Report {
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    verify(image, &policy)
}

/// Where the image is in memory, compared with its addresses in the file.
fn bias() -> usize {
    let exe = std::env::current_exe().unwrap();
    let mappings = support::mappings();
    let first = mappings.iter().find(|m| m.file == exe.to_string_lossy() && m.offset == 0);
    first.expect("this executable").start
}

/// Calls work although every trampoline and stub of their keys would trap. So they reach the
/// default without these, and without the slot, before anything of this crate has run.
#[test]
fn calls_need_neither_trampolines_nor_slots() {
    in_bound_image("code::calls_need_neither_trampolines_nor_slots", &[], || {
        let (report, bias) = (report(&linked()), bias());
        let is_mine = |key: usize| ["own", "stepped"].contains(&&*report.keys[key].name);
        for key in report.keys.iter().filter(|key| ["own", "stepped"].contains(&&*key.name)) {
            assert!(key.is_bound, "{key:?}");
            support::poke(bias + key.stub as usize, BREAKPOINT);
        }
        let calls = report.calls.iter().filter(|call| is_mine(call.key) && call.is_call());
        assert!(calls.clone().count() > 30 && calls.clone().all(|call| call.listed));
        for trampoline in report.trampolines.iter().filter(|t| is_mine(t.key)) {
            support::poke(bias + trampoline.address as usize, BREAKPOINT);
        }
        assert_eq!(work(X), expected(X));
        check_stepped(add_one);
    });
}

/// Every listed call of a bound key leads to the code of its default, or to what that jumps to.
#[test]
fn instructions_lead_to_the_default() {
    in_bound_image("code::instructions_lead_to_the_default", &[], || {
        for (key, shim) in
            [("own", own::query().address()), ("apply", lib::apply::query().address())]
        {
            let calls = support::calls(key);
            let bound: Vec<_> = calls.iter().filter(|call| call.path == Path::Inline).collect();
            assert!(bound.len() >= 2, "{key}: {calls:#?}");
            for call in bound {
                let to = support::destination(call);
                let jump = support::read(shim, 5);
                let end = i32::from_le_bytes(jump[1..].try_into().unwrap());
                let end = (shim + 5).wrapping_add_signed(end as isize);
                assert!(to == shim || jump[0] == 0xe9 && to == end, "{to:#x} {shim:#x}");
            }
        }
        let labels = |key: &str| {
            let calls = support::calls(key);
            let labels = calls.into_iter().filter(|call| call.kind == Some(Kind::Label));
            labels.map(|label| support::read(label.address, 5)).collect::<Vec<_>>()
        };
        for key in ["silent", "RARE", "USUAL"] {
            let labels = labels(key);
            assert!(!labels.is_empty() && labels.iter().all(|bytes| *bytes == NOP), "{key}");
            support::assert_path(key, Path::Inline);
        }
        // Half of their labels expect the other answer: they lead to its block, not to the test.
        let mut counts = [0; 2];
        for (label, test) in labels_with_tests() {
            let jump = support::jump(label);
            counts[usize::from(jump.is_some())] += 1;
            assert!(jump.is_some_and(|to| to != test) || support::read(label, 5) == NOP);
        }
        assert!(counts[0] == counts[1] && counts[0] > 1, "{counts:?}");
        // `chosen` keeps its resolver.
        let calls = support::calls("chosen");
        assert!(calls.iter().all(|call| call.path == Path::Indirect), "{calls:#?}");
        assert_eq!(work(X), expected(X));
    });
}

/// Returns the labels of `LOUD` and `KEPT`, which are as many of each polarity, and their tests.
fn labels_with_tests() -> Vec<(usize, usize)> {
    let (report, bias) = (report(&linked()), bias());
    let is_wanted = |key: usize| ["LOUD", "KEPT"].contains(&&*report.keys[key].name);
    let labels = report.labels.iter().filter(|label| is_wanted(label.key));
    labels.map(|label| [label.address, label.test].map(|at| bias + at as usize).into()).collect()
}

/// A label that the file has as a jump stays one, so that a uprobe can be removed from it.
#[test]
fn retargeting_keeps_the_first_byte_of_a_jump() {
    let environment = [("STATIC_CALL", "retarget")];
    in_bound_image("code::retargeting_keeps_the_first_byte_of_a_jump", &environment, || {
        let first = |&(label, _): &(usize, usize)| support::read(label, 1)[0];
        let mut jumps = labels_with_tests();
        jumps.retain(|label| first(label) == 0xe9);
        assert!(jumps.len() > 1);
        for on in [true, false, true] {
            hooks::LOUD.set(on).unwrap();
            hooks::KEPT.set(on).unwrap();
            assert_eq!(hooks::flags(), [on; 4]);
            assert!(jumps.iter().all(|label| first(label) == 0xe9));
        }
    });
}

/// `init` binds what the file left open, here `chosen`, and makes no other store.
#[test]
fn init_has_nothing_to_do() {
    in_bound_image("code::init_has_nothing_to_do", &[], || {
        let calls = support::calls("chosen");
        let code = Code::now();
        let before = |key: &str| {
            let calls = support::calls(key);
            calls.iter().map(|call| support::read(call.address, 6)).collect::<Vec<_>>()
        };
        let keys = ["own", "silent", "RARE", "USUAL", "apply", "stepped", "heard", "LOUD"];
        let bytes = keys.map(before);
        let update = static_call::init().unwrap();
        assert_eq!(update.lost, 0);
        assert_eq!(keys.map(before), bytes);
        let now = code.changed();
        let unbound: Vec<_> = calls.iter().map(|call| call.address).collect();
        // The calls of `chosen` and its trampolines are all that may differ.
        let report = report(&linked());
        let is_open = |key: usize| !report.keys[key].is_bound;
        let trampolines = report.trampolines.iter().filter(|t| is_open(t.key));
        let open: Vec<_> =
            trampolines.map(|t| bias() + t.address as usize).chain(unbound).collect();
        let is_open = |at: &usize| open.iter().any(|start| (*start..start + 8).contains(at));
        let closed: Vec<_> = now.iter().filter(|at| !is_open(at)).collect();
        assert!(closed.is_empty(), "{closed:x?}");
        check_apply(add_one);
        check_stepped(add_one);
        assert_eq!(work(X), expected(X));
        assert_eq!(hooks::flags(), [false, false, true, true]);
        let _ = splits::stepped::query();
    });
}

/// A bound image verifies like the one that was linked, and stamping it again gives the same bytes,
/// or takes the binding back.
#[test]
fn the_verifier_sees_through_it() {
    let linked = linked();
    let mut bound = linked.clone();
    bind(&mut bound);
    assert!(bound != linked);
    let (before, mut after) = (report(&linked), report(&bound));
    assert!(after.summary.bound > 3 && after.summary.bound < after.summary.keys);
    assert_eq!(after.keys.iter().filter(|key| key.is_bound).count(), after.summary.bound);
    let open = after.keys.iter().find(|key| key.name == "chosen").unwrap();
    assert!(!open.is_bound && open.default.is_none(), "{open:?}");
    after.keys.iter_mut().for_each(|key| key.is_bound = false);
    after.summary.bound = 0;
    assert_eq!(before, after);
    let mut again = bound.clone();
    bind(&mut again);
    assert!(again == bound, "stamped again");
    let (taken_back, _) = stamp(&mut again, &Policy::default());
    assert!(again == linked && taken_back.summary.bound == 0, "taken back");
}
