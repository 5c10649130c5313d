//! The report names the function around every call, as the verifier does.

use static_call::{CallReport, Kind, call, flag, static_call};
use static_call_verify::{Policy, verify};
use support::calls;

flag! {
    static BUSY = false;
}

#[inline(never)]
fn is_busy() -> bool {
    BUSY.unlikely()
}

#[static_call]
fn on_event(x: u64);

#[inline(never)]
fn event(x: u64) -> u64 {
    call!(on_event(x));
    x + 1
}

/// Runs everything, so that the linker keeps it.
fn run() {
    let x = std::hint::black_box(1 << 41);
    assert_eq!(static_call_tests::all_ways(x).len(), 6);
    assert!(!is_busy() && event(x) == x + 1);
}

/// Returns what the report says of a key's calls: kinds, and functions.
fn places(key: &str) -> Vec<(Kind, &'static str)> {
    let place = |call: CallReport| Some((call.kind?, call.function?));
    let calls = calls(key);
    let places: Vec<_> = calls.iter().copied().filter_map(place).collect();
    assert_eq!(places.len(), calls.len(), "{calls:?}");
    places
}

#[test]
fn calls_of_every_kind_have_a_function() {
    run();
    static_call::init().unwrap();
    let apply = places("apply");
    for place in [
        (Kind::Call, "static_call_tests::plain"),
        (Kind::Jmp, "static_call_tests::tail"),
        (Kind::Jcc, "static_call_tests::conditional"),
        (Kind::Call, "static_call_tests::site"),
    ] {
        assert!(apply.contains(&place), "{place:?}: {apply:?}");
    }
    assert_eq!(places("BUSY"), [(Kind::Label, "report::functions::is_busy")]);
    let [call, label] = places("on_event")[..] else { panic!("{:?}", places("on_event")) };
    assert_eq!(label, (Kind::Label, "report::functions::event"));
    assert!(call.0.is_direct() && call.1 == label.1, "{call:?}");

    let text = static_call::report().to_string();
    for end in ["  in static_call_tests::plain\n", "jump label, grade quad  in report::functions::"]
    {
        assert!(text.contains(end), "{end}: {text}");
    }
}

/// Everything that is about a call is the same in both reports, in the same order.
#[test]
fn the_verifier_says_the_same() {
    run();
    static_call::init().unwrap();
    let report = static_call::report();
    let verified =
        verify(&std::fs::read(std::env::current_exe().unwrap()).unwrap(), &Policy::default());
    assert_eq!(report.totals().to_string(), verified.summary.to_string());
    let mut told: Vec<_> = report
        .sites()
        .flat_map(|site| &site.calls)
        .map(|call| (call.address as u64, call.kind.unwrap(), call.function.map(str::to_owned)))
        .collect();
    told.sort();
    let calls = verified.calls.into_iter().map(|c| (c.address, c.kind, c.function));
    let labels = verified.labels.into_iter().map(|l| (l.address, Kind::Label, l.function));
    let mut found: Vec<_> = calls.chain(labels).collect();
    found.sort();
    assert!(found.len() >= 10 && found[0].2.is_some(), "{found:?}");
    // Where the image lies in memory.
    let bias = told[0].0 - found[0].0;
    found.iter_mut().for_each(|(address, ..)| *address += bias);
    assert_eq!(told, found);
}
