//! Paths: caps from the environment, hops that are skipped, cycles, and the report.

use static_call::{Grade, Kind, Path, Reason, UpdateError, call, static_call};
use static_call_tests as lib;

const X: u64 = 1 << 42;

fn check(target: fn(u64) -> u64) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X));
}

fn add_seven(x: u64) -> u64 {
    x + 7
}

/// A site in the crate that is linked last, where trampolines are local and calls are aligned.
#[inline(never)]
fn here(x: u64) -> u64 {
    call!(lib::apply(x)).rotate_left(1)
}

fn reason_of_patchable(path: Path, reason: Option<Reason>) {
    let calls = support::calls("apply");
    let patchable = calls.iter().filter(|c| matches!(c.grade, Some(Grade::Quad | Grade::Disp)));
    assert!(patchable.clone().count() > 0);
    for call in patchable {
        assert_eq!((call.path, call.reason), (path, reason), "{call:?}");
    }
}

#[test]
fn the_environment_caps_the_path() {
    for (cap, is_known) in [
        ("inline", true),
        ("", true),
        ("retarget", true),
        ("trampoline", true),
        ("indirect", true),
        ("fast", false),
    ] {
        support::in_child("paths::the_environment_caps_the_path", &[("STATIC_CALL", cap)], || {
            static_call::init().unwrap();
            let update = lib::apply::update(add_seven).unwrap();
            check(add_seven);
            assert_eq!(here(X), (X + 7).rotate_left(1));
            let (path, reason) = match cap {
                "trampoline" => (Path::Trampoline, Some(Reason::Capped)),
                "indirect" => (Path::Indirect, Some(Reason::Capped)),
                _ => (Path::Inline, None),
            };
            reason_of_patchable(path, reason);
            let calls = support::calls("apply");
            match path {
                Path::Inline => assert!(update.inline > 0),
                Path::Trampoline => assert_eq!(update.trampoline, calls.len()),
                Path::Indirect => assert_eq!(update.indirect, calls.len()),
            }
            let report = static_call::report();
            let complains = report.problems.iter().any(|f| f.message.contains("STATIC_CALL"));
            assert_eq!(complains, !is_known, "{report}");
            static_call::unbind().unwrap();
            check(add_seven);
            support::assert_path("apply", Path::Indirect);
        });
    }
}

/// A function of another crate is called directly, without its shim.
#[test]
fn a_hop_is_skipped() {
    support::in_child("paths::a_hop_is_skipped", &[], || {
        lib::apply::update(lib::plus_two).unwrap();
        check(lib::plus_two);
        let function = lib::plus_two as fn(u64) -> u64 as usize;
        let shim = lib::apply::query().address();
        assert_ne!(shim, function, "the slot has the shim");
        let inline = support::calls("apply").into_iter().filter(|c| c.path == Path::Inline);
        let destinations: Vec<usize> = inline.map(|c| support::destination(&c)).collect();
        assert!(!destinations.is_empty());
        assert!(destinations.iter().all(|&to| to == function), "{destinations:x?} {function:x}");
        // A target of this crate is inlined into its shim.
        lib::apply::update(add_seven).unwrap();
        let shim = lib::apply::query().address();
        let inline = support::calls("apply").into_iter().filter(|c| c.path == Path::Inline);
        assert!(inline.map(|c| support::destination(&c)).all(|to| to == shim));
    });
}

#[static_call]
fn setting(name: i32) -> i64 {
    name.into()
}

#[inline(never)]
fn call_setting(name: i32) -> i64 {
    call!(setting(name)) + 1
}

/// A function of another image may be out of reach; the shim that jumps to it is not.
#[test]
fn a_hop_out_of_the_image_is_not_skipped() {
    support::in_child("paths::a_hop_out_of_the_image_is_not_skipped", &[], || {
        // SAFETY: it only queries.
        setting::update(|name| unsafe { libc::sysconf(name) }).unwrap();
        assert_eq!(call_setting(libc::_SC_PAGESIZE), 4097);
        support::assert_path("setting", Path::Inline);
    });
}

#[static_call]
fn first(x: u64) -> u64 {
    x + 1000
}

#[static_call]
fn second(x: u64) -> u64 {
    x + 2000
}

#[static_call]
fn third(x: u64) -> u64 {
    x + 3000
}

#[inline(never)]
fn call_first(x: u64) -> [u64; 2] {
    [first(x), call!(first(x))]
}

/// A key whose target is another static call follows it, even when the jump in its shim is patched.
#[test]
fn a_key_follows_the_key_that_it_calls() {
    support::in_child("paths::a_key_follows_the_key_that_it_calls", &[], || {
        let is = |x| assert_eq!(call_first(X), [X + x; 2]);
        first::update(second).unwrap();
        is(2000);
        second::update(add_seven).unwrap();
        is(7);
        second::update(lib::plus_two).unwrap();
        is(2);
        // The shim for `second` as a target is now itself patched: its jump leads to `plus_two`.
        let shim = first::query().address();
        let patched = support::calls("second").into_iter().find(|c| c.address == shim);
        assert!(patched.is_some_and(|c| c.kind == Some(Kind::Jmp)), "the shim is one jump");
        first::reset().unwrap();
        is(1000);
        first::update(second).unwrap();
        is(2);
        second::update(add_seven).unwrap();
        is(7);
        second::reset().unwrap();
        is(2000);
        static_call::unbind().unwrap();
        is(2000);
        // A chain of three.
        second::update(third).unwrap();
        is(3000);
        third::update(add_seven).unwrap();
        is(7);
        static_call::init().unwrap();
        third::update(lib::plus_two).unwrap();
        is(2);
    });
}

fn refused(result: Result<static_call::Update, UpdateError>, name: &str) {
    match result {
        Err(UpdateError::CallsItself { key }) => assert_eq!(key, name),
        other => panic!("{name} would call itself: {other:?}"),
    }
}

#[test]
fn a_key_that_would_call_itself_is_refused() {
    support::in_child("paths::a_key_that_would_call_itself_is_refused", &[], || {
        for bound in [false, true] {
            if bound {
                static_call::init().unwrap();
            }
            refused(first::update(first), "first");
            first::update(second).unwrap();
            let code = support::Code::now();
            refused(second::update(first), "second");
            code.assert_unchanged();
            assert!(second::query().is_default());
            assert_eq!(call_first(X), [X + 2000; 2]);
            second::update(third).unwrap();
            refused(third::update(first), "third");
            refused(third::update(second), "third");
            refused(third::update(third), "third");
            assert_eq!(call_first(X), [X + 3000; 2]);
            // Going through a default is also a cycle.
            first::reset().unwrap();
            third::update(first).unwrap();
            assert_eq!(second(X), X + 1000);
            refused(first::update(second), "first");
            assert_eq!(call_first(X), [X + 1000; 2]);
            third::reset().unwrap();
            second::reset().unwrap();
        }
    });
}

#[test]
fn sites_of_all_crates_are_listed_and_dead_ones_counted() {
    let report = static_call::report();
    let apply = report.keys.iter().find(|k| k.name == "apply").unwrap();
    let sources = [
        ("src/lib.rs", include_str!("../../src/lib.rs")),
        ("tests/rules/paths.rs", include_str!("paths.rs")),
    ];
    let line_of = |file: usize, text: &str| {
        let lines: Vec<&str> = sources[file].1.lines().collect();
        let found: Vec<_> = (0..lines.len()).filter(|&i| lines[i].trim() == text).collect();
        assert_eq!(found.len(), 1, "{text}");
        found[0] as u32 + 1
    };
    let site = |file: usize, line: u32| {
        let name = sources[file].0;
        apply.sites.iter().find(|s| !s.is_plain && s.file.ends_with(name) && s.line == line)
    };
    for (file, text) in [
        (0, "call!(apply(x)).rotate_left(2)"),
        (0, "call!(apply(x)).rotate_left(3)"),
        (0, "call!(apply(x.into())).rotate_left(4)"),
        (1, "call!(lib::apply(x)).rotate_left(1)"),
    ] {
        let site = site(file, line_of(file, text));
        assert!(site.is_some_and(|s| !s.calls.is_empty()), "{text}:\n{report}");
    }
    let _ = std::hint::black_box((here as fn(u64) -> u64, lib::WAYS));
    assert!(apply.sites.iter().any(|s| s.is_plain && s.calls.len() >= 3), "{report}");
    let dead = line_of(0, "call!(apply(x)).rotate_left(5)");
    assert!(site(0, dead).is_none(), "{report}");
    let gone = format!("{} call! of the source left no code", report.dead_sites);
    assert!(report.dead_sites >= 1 && report.to_string().contains(&gone), "{report}");
    let kinds: Vec<_> = support::calls("apply").iter().map(|c| c.kind.unwrap()).collect();
    for kind in [Kind::Call, Kind::Jmp, Kind::Jcc] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}
