//! Jump labels in memory: what is stored there, what must be there before, and which records are
//! trusted.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod records;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use static_call::{CallReport, Grade, Kind, Path, Reason, UpdateError, call, flag, static_call};
use static_call_tests::{self as lib, hooks};
use support::{BREAKPOINT, Code};

/// These tests take turns, because they look at all code.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const NOP: [u8; 5] = [0x0f, 0x1f, 0x44, 0, 0];

fn labels(key: &str) -> Vec<CallReport> {
    let calls = support::calls(key);
    calls.into_iter().filter(|call| call.kind == Some(Kind::Label)).collect()
}

fn bytes(label: &CallReport) -> [u8; 5] {
    support::read(label.address, 5).try_into().unwrap()
}

#[static_call]
fn spoken(x: u64);

static HEARD: AtomicU64 = AtomicU64::new(0);

fn hear(x: u64) {
    HEARD.fetch_add(x, Ordering::Relaxed);
}

#[inline(never)]
fn speak(x: u64) -> u64 {
    call!(spoken(x));
    HEARD.swap(0, Ordering::Relaxed)
}

#[test]
fn a_bound_label_is_the_answer_of_its_key() {
    let _turn = turn();
    static_call::unbind().unwrap();
    let linked: Vec<_> = labels("spoken").iter().map(bytes).collect();
    assert!(!linked.is_empty() && linked.iter().all(|bytes| bytes[0] == 0xe9), "{linked:x?}");
    for label in labels("spoken") {
        assert_eq!((label.grade, label.path), (Some(Grade::Quad), Path::Indirect));
        assert_eq!(label.reason, Some(Reason::NotBound));
        assert_eq!(label.address / 8, (label.address + 4) / 8);
    }
    let now = || labels("spoken").iter().map(bytes).collect::<Vec<_>>();
    let off = vec![NOP; linked.len()];
    let paths = |path| labels("spoken").iter().all(|label| label.path == path);
    static_call::init().unwrap();
    assert!(now() == off && paths(Path::Inline));
    let update = spoken::update(hear).unwrap();
    // To the block, without the test.
    let on = now();
    assert!(on.iter().zip(&linked).all(|(on, linked)| on[0] == 0xe9 && on != linked), "{on:x?}");
    assert!(paths(Path::Inline) && speak(3) == 3);
    assert_eq!(update.inline + update.trampoline, support::calls("spoken").len());
    spoken::disable().unwrap();
    assert!(now() == off && paths(Path::Inline) && speak(3) == 0);
    static_call::unbind().unwrap();
    assert!(now() == linked && paths(Path::Indirect) && speak(3) == 0);
}

#[test]
fn flags_have_labels_of_both_polarities() {
    let _turn = turn();
    hooks::LOUD.disable().unwrap();
    let count = |key: &str| {
        let labels = labels(key);
        let nops = labels.iter().filter(|label| bytes(label) == NOP).count();
        (nops, labels.len())
    };
    let answers = || [hooks::flags(), hooks::flags_inlined()];
    assert_eq!(answers(), [[false, false, true, true]; 2]);
    // Two sites here, and two in each copy of the library's function; half of each polarity.
    let (nops, all) = count("LOUD");
    assert!(all >= 4 && nops * 2 == all, "{nops} of {all}");
    hooks::LOUD.enable().unwrap();
    assert_eq!(count("LOUD"), (nops, all));
    assert_eq!(answers(), [[true, true, true, true]; 2]);
    let first = labels("LOUD").iter().map(bytes).collect::<Vec<_>>();
    hooks::LOUD.disable().unwrap();
    let second = labels("LOUD").iter().map(bytes).collect::<Vec<_>>();
    assert!(first.iter().zip(&second).all(|(a, b)| (*a == NOP) != (*b == NOP)));
    static_call::unbind().unwrap();
    assert_eq!(count("LOUD"), (0, all));
}

#[test]
fn unbinding_restores_the_linked_code() {
    let _turn = turn();
    let linked = support::unbound_after(|| {
        hooks::LOUD.enable().unwrap();
        hooks::KEPT.disable().unwrap();
        hooks::heard::update(hear).unwrap();
    });
    hooks::LOUD.disable().unwrap();
    hooks::KEPT.enable().unwrap();
    hooks::heard::disable().unwrap();
    static_call::unbind().unwrap();
    linked.assert_unchanged();
}

/// A debugger's breakpoint on a label fails the update before its first store.
#[test]
fn a_breakpoint_on_a_label_fails_the_update() {
    type Done = Result<static_call::Update, UpdateError>;
    flag! { static WATCHED = false; }
    let _turn = turn();
    let answer = std::hint::black_box(|| [WATCHED.unlikely(), WATCHED.likely()]);
    let hook = |on: bool| match on {
        true => spoken::update(hear),
        false => spoken::disable(),
    };
    for (key, set) in [
        ("WATCHED", &(|on| WATCHED.set(on)) as &dyn Fn(bool) -> Done),
        ("spoken", &hook as &dyn Fn(bool) -> Done),
    ] {
        for on in [false, true] {
            set(!on).unwrap();
            set(on).unwrap();
            for label in labels(key) {
                let kept = support::poke(label.address, BREAKPOINT);
                let code = Code::now();
                let count = WATCHED.count();
                let error = set(!on).unwrap_err();
                let UpdateError::ForeignBytes { address, length, expected, found } = error else {
                    panic!("{error}")
                };
                assert_eq!((address, length), (label.address, 5));
                assert_eq!((expected[0], found[0]), (kept, BREAKPOINT));
                code.assert_unchanged();
                assert_eq!(support::open_pages(), [""; 0]);
                assert_eq!(WATCHED.count(), count, "the count changes only with the switch");
                support::poke(label.address, kept);
                let is_on = if key == "spoken" { speak(1) == 1 } else { answer() == [true; 2] };
                assert_eq!(is_on, on);
            }
            set(!on).unwrap();
            set(on).unwrap();
        }
        set(false).unwrap();
    }
}

/// Keeps the code of all ways in this program.
fn run_all_ways() {
    std::hint::black_box(hooks::WAYS).iter().for_each(|way| way(&mut || 1));
}

#[test]
fn breakpoints_next_to_a_label_survive() {
    let _turn = turn();
    run_all_ways();
    let neighbour = |label: &CallReport| {
        let first = label.address & !7;
        (first..first + 8).find(|a| !(label.address..label.address + 5).contains(a)).unwrap()
    };
    let places: Vec<usize> = labels("heard").iter().map(neighbour).collect();
    assert!(places.len() >= 3);
    let kept: Vec<u8> = places.iter().map(|&a| support::poke(a, BREAKPOINT)).collect();
    for _ in 0..2 {
        hooks::heard::update(hear).unwrap();
        hooks::heard::disable().unwrap();
    }
    static_call::unbind().unwrap();
    for (&place, &kept) in places.iter().zip(&kept) {
        assert_eq!(support::poke(place, kept), BREAKPOINT, "at {place:#x}");
    }
}

/// A target that begins with a label, or almost, follows it.
#[test]
fn targets_begin_with_a_label() {
    let _turn = turn();
    static_call::unbind().unwrap();
    lib::apply::update(hooks::gated).unwrap();
    let expected_of = |more: u64| {
        let turned = lib::WAYS.iter().map(|(_, turn)| ((1_u64 << 42) + more).rotate_left(*turn));
        turned.collect::<Vec<_>>()
    };
    let expected = |more: u64| assert_eq!(lib::all_ways(1 << 42), expected_of(more));
    expected(3);
    assert!(support::calls("apply").iter().any(|call| call.path == Path::Inline));
    hooks::GATE.enable().unwrap();
    expected(100);
    hooks::GATE.disable().unwrap();
    expected(3);
    lib::apply::reset().unwrap();
    static_call::unbind().unwrap();
}

/// After permission to write code is lost, switching a bound label is an error that changes
/// nothing. If all labels are as linked, it succeeds and changes only memory.
#[test]
fn lost_permission() {
    support::in_child("lost_permission", &[], || {
        GONE.enable().unwrap();
        static_call::unbind().unwrap();
        hooks::LOUD.disable().unwrap();
        support::filter::refuse_code(libc::EACCES);
        let code = Code::now();
        assert!(matches!(hooks::LOUD.enable(), Err(UpdateError::PermissionDenied { .. })));
        assert!(matches!(hooks::LOUD.inc(), Err(UpdateError::PermissionDenied { .. })));
        assert_eq!((hooks::LOUD.count(), hooks::flags()[..2] == [false; 2]), (0, true));
        assert!(GONE.unlikely());
        GONE.disable().unwrap();
        assert!(!GONE.unlikely() && !GONE.get());
        let labels = labels("GONE");
        assert!(
            labels.iter().all(|l| l.reason == Some(Reason::Refused(libc::EACCES))),
            "{labels:?}"
        );
        GONE.inc().unwrap();
        assert!(GONE.unlikely() && GONE.count() == 1);
        code.assert_unchanged();
    });
}

flag! { static GONE = false; }

/// If the code of a label is never used, the linker drops it together with its record.
#[test]
fn dead_labels_are_dropped() {
    let _turn = turn();
    run_all_ways();
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "heard").unwrap();
    let lines: Vec<u32> = key.sites.iter().map(|site| site.line).collect();
    assert!(!lines.contains(&hooks::DEAD_LINE) && lines.len() >= 3, "{report}");
    assert!(report.dead_sites >= 1);
    for site in &key.sites {
        let labels = site.calls.iter().filter(|call| call.kind == Some(Kind::Label)).count();
        assert_eq!(labels > 0, !site.is_plain, "{site:#?}");
    }
}
