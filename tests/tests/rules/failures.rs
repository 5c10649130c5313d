//! The order of an update: whatever fails, fails before the first store or is reported.

use std::sync::atomic::{AtomicU64, Ordering};

use static_call::{Barrier, Path, Reason, UpdateError, call};
use static_call_tests as lib;
use support::Code;
use support::filter::refuse_code;
use support::supervisor::{Call, Verdict, forbid_write_then_execute, refuse_barriers, supervise};

/// Makes calls that are no-ops while `note` is off. In the crate that is linked last, trampolines
/// are local and calls to them are aligned.
#[inline(never)]
fn noted(sum: &AtomicU64, x: u64) -> u64 {
    call!(lib::note(sum, x));
    call!(lib::note(sum, 1));
    sum.load(Ordering::Relaxed)
}

const X: u64 = 1 << 42;
const WRITABLE: u64 = libc::PROT_WRITE as u64;

/// Makes a call on another page than the library's.
#[inline(never)]
fn here(x: u64) -> u64 {
    call!(lib::apply(x)).rotate_left(1)
}

fn check(target: fn(u64) -> u64) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X));
    assert_eq!(here(X), target(X).rotate_left(1));
}

fn add_seven(x: u64) -> u64 {
    x + 7
}

fn add_eight(x: u64) -> u64 {
    x + 8
}

/// Fails the `n`th system call of an update, for every `n` until no call is left.
fn fail_each(errno: i32, is_bound: bool) {
    let mut outcomes = (0, 0, 0);
    for n in 0.. {
        assert!(n < 64, "an update makes only a few calls");
        lib::apply::update(add_seven).unwrap();
        if !is_bound {
            static_call::unbind().unwrap();
        }
        let code = Code::now();
        let mut seen = Vec::new();
        let result = supervise(
            |call| {
                seen.push(call);
                if seen.len() == n + 1 { Verdict::Fail(errno) } else { Verdict::Continue }
            },
            || lib::apply::update(add_eight),
        );
        let context = format!("call {n} of {seen:x?} failed with {errno}: {result:?}");
        match result {
            Err(UpdateError::PermissionDenied { address, errno: reported }) => {
                assert!(matches!(seen[n], Call::Protect(p) if p & WRITABLE != 0), "{context}");
                assert!(is_bound, "{context}");
                assert_eq!((reported, address % 4096), (errno, 0), "{context}");
                code.assert_unchanged();
                assert!(!lib::apply::query().name().contains("add_eight"), "{context}");
                check(add_seven);
                assert_eq!(support::open_pages(), [""; 0], "{context}");
                outcomes.0 += 1;
            }
            Err(error) => panic!("{error}: {context}"),
            Ok(update) => {
                check(add_eight);
                assert!(lib::apply::query().name().contains("add_eight"));
                assert_eq!(update.lost, 0, "{context}");
                match seen.get(n) {
                    Some(Call::Protect(p)) if p & WRITABLE != 0 => {
                        assert!(!is_bound, "{context}");
                        assert_eq!((update.inline, update.trampoline), (0, 0), "{context}");
                        code.assert_unchanged();
                    }
                    Some(Call::Protect(_)) => {
                        assert!(update.pages_left_open > 0, "{context}");
                        let report = static_call::report().to_string();
                        assert!(report.contains("left writable"), "{report}");
                    }
                    // The update registered for the barrier again, or a barrier between two steps
                    // failed, and the last one ran.
                    Some(Call::Barrier(_)) if update.barrier == Barrier::Ran => {}
                    Some(Call::Barrier(_)) => {
                        assert_eq!(update.barrier, Barrier::Missing(errno), "{context}");
                    }
                    Some(Call::Futex(_) | Call::Veneers(_) | Call::Memory(_)) | None => {
                        assert_eq!(update.barrier, Barrier::Ran, "{context}");
                        assert_eq!(update.pages_left_open, 0, "{context}");
                    }
                }
                outcomes.1 += 1;
            }
        }
        // The next update completes whatever was left over.
        lib::apply::update(add_seven).unwrap();
        check(add_seven);
        assert_eq!(support::open_pages(), [""; 0], "after: {context}");
        if seen.len() <= n {
            outcomes.2 += 1;
            break;
        }
    }
    let (refused, succeeded, complete) = outcomes;
    assert!((refused > 0) == is_bound && succeeded >= 3 && complete == 1, "{outcomes:?}");
}

#[test]
fn every_call_of_an_update_may_fail() {
    support::in_child("failures::every_call_of_an_update_may_fail", &[], || {
        for errno in [libc::EPERM, libc::ENOMEM] {
            fail_each(errno, true);
            fail_each(errno, false);
        }
    });
}

/// Veneers come first, everything that can fail comes before the first store, all stores come
/// before the pages are closed, and the last barrier comes last.
#[test]
fn calls_come_in_order() {
    support::in_child("failures::calls_come_in_order", &[], || {
        lib::apply::update(add_seven).unwrap();
        let code = Code::now();
        let mut calls = Vec::new();
        let mut stored_when_closing = None;
        supervise(
            |call| {
                match call {
                    Call::Protect(p) if p & WRITABLE != 0 => {
                        assert!(stored_when_closing.is_none(), "a page opened after one closed");
                        code.assert_unchanged();
                    }
                    Call::Protect(_) => {
                        let now = Code::now();
                        assert!(code != now, "a page closed before the stores");
                        let before = stored_when_closing.get_or_insert(now);
                        before.assert_unchanged();
                    }
                    Call::Barrier(_) => check(add_eight),
                    Call::Veneers(_) => {
                        assert!(stored_when_closing.is_none(), "veneers come first");
                        code.assert_unchanged();
                    }
                    Call::Futex(_) | Call::Memory(_) => {}
                }
                calls.push(call);
                Verdict::Continue
            },
            || lib::apply::update(add_eight).unwrap(),
        );
        let barriers = calls.iter().filter(|c| matches!(c, Call::Barrier(_))).count();
        assert!(matches!(barriers, 1..=3), "{calls:x?}");
        let is_code = |call: &&Call| matches!(call, Call::Protect(_) | Call::Barrier(_));
        let last: Vec<_> = calls.iter().filter(is_code).rev().take(2).collect();
        assert!(matches!(last[..], [Call::Barrier(_), Call::Protect(_)]), "{calls:x?}");
        assert!(stored_when_closing.is_some());
        let opened = calls.iter().filter(|c| matches!(c, Call::Protect(p) if p & WRITABLE != 0));
        assert!(opened.count() >= 2, "the pages are apart: {calls:x?}");
    });
}

/// A barrier that was missing is made up for by the next update, even if that stores nothing. Until
/// then it is said to be missing.
#[test]
fn a_missing_barrier_is_not_forgotten() {
    support::in_child("failures::a_missing_barrier_is_not_forgotten", &[], || {
        lib::apply::update(add_seven).unwrap();
        let refuse = refuse_barriers(libc::EPERM);
        // The second one stores nothing, unless the first could not end its steps.
        for _ in 0..3 {
            let update = supervise(refuse, || lib::apply::update(add_eight)).unwrap();
            assert_eq!(update.barrier, Barrier::Missing(libc::EPERM));
        }
        let note = supervise(refuse, lib::note::disable).unwrap();
        assert_eq!(note.barrier, Barrier::Missing(libc::EPERM), "nor does that of another key");
        let says_so = || {
            let report = static_call::report();
            report.problems.iter().any(|p| p.message.starts_with("membarrier is not available"))
        };
        assert!(says_so());
        let mut barriers = 0;
        let count = |call| {
            barriers += usize::from(matches!(call, Call::Barrier(_)));
            Verdict::Continue
        };
        let update = supervise(count, || lib::apply::update(add_eight)).unwrap();
        assert!(matches!(update.barrier, Barrier::Ran | Barrier::NotNeeded), "{update:?}");
        assert!(barriers > 0);
        assert!(!says_so());
        let update = lib::apply::update(add_eight).unwrap();
        assert_eq!(update.barrier, Barrier::NotNeeded);
        check(add_eight);
    });
}

/// The first update tests what the system allows: opening and closing pages.
#[test]
fn a_refusal_at_first_use_makes_calls_indirect() {
    for n in ["0", "1", "2"] {
        support::in_child(
            "failures::a_refusal_at_first_use_makes_calls_indirect",
            &[("REFUSE", n)],
            || {
                let n: usize = n.parse().unwrap();
                let code = Code::now();
                let mut calls = Vec::new();
                let result = supervise(
                    |call| {
                        if !matches!(call, Call::Protect(_) | Call::Barrier(_)) {
                            return Verdict::Continue;
                        }
                        calls.push(call);
                        // The same update tries once more to close a page.
                        let range = if n == 1 { 2..4 } else { n + 1..n + 2 };
                        let is_it = range.contains(&calls.len());
                        if is_it { Verdict::Fail(libc::EACCES) } else { Verdict::Continue }
                    },
                    || lib::apply::update(add_seven),
                );
                let update = result.unwrap();
                check(add_seven);
                let report = static_call::report();
                let apply = report.keys.iter().find(|k| k.name == "apply").unwrap();
                match n {
                    0 | 1 => {
                        assert_eq!((update.inline, update.trampoline), (0, 0));
                        assert!(update.indirect >= 6);
                        assert_eq!(update.barrier, Barrier::NotNeeded);
                        code.assert_unchanged();
                        let calls = apply.sites.iter().flat_map(|s| &s.calls);
                        for call in calls {
                            assert_eq!(call.path, Path::Indirect);
                            assert_eq!(call.reason, Some(Reason::Refused(libc::EACCES)));
                        }
                        assert!(!apply.bound, "its calls are indirect");
                        assert_eq!(support::open_pages().len(), n, "a page stays open");
                        assert_eq!(
                            report.to_string().contains("left writable"),
                            n == 1,
                            "{report}"
                        );
                        lib::apply::update(add_eight).unwrap();
                        check(add_eight);
                        assert_eq!(support::open_pages(), [""; 0], "the next update closes it");
                        let report = static_call::report().to_string();
                        assert!(!report.contains("left writable"), "{report}");
                    }
                    _ => {
                        assert!(update.inline > 0);
                        assert_eq!(update.barrier, Barrier::Missing(libc::EACCES));
                        assert!(report.problems.iter().any(|f| f.message.contains("membarrier")));
                        assert_eq!(support::open_pages(), [""; 0]);
                    }
                }
            },
        );
    }
}

#[test]
fn without_write_and_execute_all_calls_are_indirect() {
    support::in_child("failures::without_write_and_execute_all_calls_are_indirect", &[], || {
        forbid_write_then_execute();
        let code = Code::now();
        let all = static_call::init().unwrap();
        assert_eq!((all.inline, all.trampoline, all.barrier), (0, 0, Barrier::NotNeeded));
        let update = lib::apply::update(add_seven).unwrap();
        assert_eq!((update.inline, update.trampoline), (0, 0));
        check(add_seven);
        code.assert_unchanged();
        let report = static_call::report();
        assert!(report.to_string().contains("code cannot be opened (errno 13)"), "{report}");
        assert_eq!(report.totals().inline + report.totals().trampoline, 0);
        assert!(report.keys.iter().all(|k| !k.bound));
    });
}

/// A bound key can no longer be updated. A key that was never bound still can, by its slot.
fn lose_permission(take: fn()) {
    lib::apply::update(add_seven).unwrap();
    support::assert_path("note", Path::Indirect);
    let code = Code::now();
    take();
    let error = lib::apply::update(add_eight).unwrap_err();
    assert!(matches!(error, UpdateError::PermissionDenied { .. }), "{error}");
    assert!(error.to_string().contains("unbind"), "{error}");
    assert!(matches!(static_call::unbind(), Err(UpdateError::PermissionDenied { .. })));
    code.assert_unchanged();
    check(add_seven);

    let sum = AtomicU64::new(0);
    let add = |sum: &AtomicU64, x| {
        sum.fetch_add(x, Ordering::Relaxed);
    };
    let update = lib::note::update(add).unwrap();
    assert_eq!((update.inline, update.trampoline), (0, 0));
    assert_eq!(noted(&sum, 4), 5);
    lib::note::disable().unwrap();
    assert_eq!(noted(&sum, 4), 5);
    let report = static_call::report();
    let note = report.keys.iter().find(|k| k.name == "note").unwrap();
    assert!(!note.bound, "{report}");
    let calls = note.sites.iter().flat_map(|s| &s.calls);
    assert!(calls.clone().count() > 0);
    assert!(calls.clone().all(|c| matches!(c.reason, Some(Reason::Refused(_)))), "{report}");
    code.assert_unchanged();
    assert_eq!(support::open_pages(), [""; 0]);
}

/// Does the same in a program that unbinds first.
fn unbind_and_lose_permission(take: fn()) {
    lib::apply::update(add_seven).unwrap();
    static_call::unbind().unwrap();
    let code = Code::now();
    take();
    let update = lib::apply::update(add_eight).unwrap();
    assert_eq!((update.inline, update.trampoline), (0, 0));
    check(add_eight);
    lib::apply::reset().unwrap();
    check(|x| x + 1);
    code.assert_unchanged();
}

#[test]
fn permission_taken_by_mdwe() {
    support::in_child("failures::permission_taken_by_mdwe", &[], || {
        lose_permission(forbid_write_then_execute);
    });
}

#[test]
fn permission_taken_by_seccomp() {
    support::in_child("failures::permission_taken_by_seccomp", &[], || {
        lose_permission(|| refuse_code(libc::EPERM));
    });
}

#[test]
fn unbound_before_mdwe() {
    support::in_child("failures::unbound_before_mdwe", &[], || {
        unbind_and_lose_permission(forbid_write_then_execute);
    });
}

#[test]
fn unbound_before_seccomp() {
    support::in_child("failures::unbound_before_seccomp", &[], || {
        unbind_and_lose_permission(|| refuse_code(libc::EPERM));
    });
}
