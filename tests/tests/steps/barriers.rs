//! What happens between two steps: barriers that fail, breakpoints, forks.

use static_call::{Barrier, CallReport, Kind, Path, Reason, Update, UpdateError};
use static_call_tests::splits;
use support::Code;
use support::children::{child_without_handlers, wait};
use support::supervisor::{Call, Verdict, refuse_barriers, supervise};

use super::{X, add_eight, add_seven, check, differs_in_both_parts, leads_to_veneer, split_calls};

/// At each barrier every call leads to its old target, to a veneer or to the new target, and calls
/// work.
#[test]
fn calls_work_between_steps() {
    support::in_child("barriers::calls_work_between_steps", &[], || {
        splits::stepped::update(add_seven).unwrap();
        let calls = split_calls();
        let old = support::destination(&calls[0]);
        let mut veneers = Vec::new();
        let update = supervise(
            |call| {
                if let Call::Barrier(_) = call {
                    let at_veneers = calls.iter().filter(|c| leads_to_veneer(c)).count();
                    let at_old = calls.iter().filter(|c| support::destination(c) == old).count();
                    veneers.push((at_veneers, at_old));
                    check(add_eight);
                }
                Verdict::Continue
            },
            || splits::stepped::update(add_eight).unwrap(),
        );
        check(add_eight);
        assert_eq!(update.barriers, veneers.len());
        let new = support::destination(&calls[0]);
        let in_steps = calls.iter().filter(|c| differs_in_both_parts(c, old, new)).count();
        assert!(in_steps > 10, "{in_steps} of {}", calls.len());
        assert_eq!(veneers, [(in_steps, 0), (in_steps, 0), (0, 0)]);
    });
}

/// Whichever barrier fails, calls work, the result and the report say so, and the next update
/// continues.
#[test]
fn every_barrier_may_fail() {
    support::in_child("barriers::every_barrier_may_fail", &[], || {
        for failing in 0..3 {
            splits::stepped::update(add_seven).unwrap();
            let mut barriers = 0;
            let update = supervise(
                |call| {
                    if !matches!(call, Call::Barrier(_)) {
                        return Verdict::Continue;
                    }
                    barriers += 1;
                    match barriers == failing + 1 {
                        true => Verdict::Fail(libc::EAGAIN),
                        false => Verdict::Continue,
                    }
                },
                || splits::stepped::update(add_eight).unwrap(),
            );
            check(add_eight);
            let calls = support::calls("stepped");
            let unfinished =
                calls.iter().filter(|call| call.reason == Some(Reason::Unfinished)).count();
            assert_eq!(update.unfinished, unfinished, "{update:?}");
            assert_eq!(unfinished > 0, failing < 2, "{update:?}");
            assert_eq!(unfinished, calls.iter().filter(|c| leads_to_veneer(c)).count());
            let expected = match failing {
                2 => Barrier::Missing(libc::EAGAIN),
                // The barrier at the end did run.
                _ => Barrier::Ran,
            };
            assert_eq!(update.barrier, expected);
            splits::stepped::update(splits::near).unwrap();
            check(splits::near);
            support::assert_path("stepped", Path::Inline);
        }
    });
}

/// Once no barrier can be had, calls that wait for one stay on their veneers, and an update that
/// would have to move a call changes nothing.
#[test]
fn without_barriers_calls_stay_where_they_work() {
    support::in_child("barriers::without_barriers_calls_stay_where_they_work", &[], || {
        splits::stepped::update(add_seven).unwrap();
        let refuse = refuse_barriers(libc::EPERM);
        supervise(refuse, || {
            let update = splits::stepped::update(add_eight).unwrap();
            assert_eq!(update.barrier, Barrier::Missing(libc::EPERM));
            assert!(update.unfinished > 0);
            check(add_eight);
            let code = Code::now();
            match splits::stepped::update(splits::near) {
                Ok(update) => {
                    assert!(update.unfinished > 0, "{update:?}");
                    check(splits::near);
                }
                Err(UpdateError::CannotRetarget { errno, .. }) => {
                    assert_eq!(errno, libc::EPERM);
                    code.assert_unchanged();
                    check(add_eight);
                }
                Err(error) => panic!("{error}"),
            }
        });
        // With barriers it continues.
        splits::stepped::update(add_seven).unwrap();
        check(add_seven);
        support::assert_path("stepped", Path::Inline);
    });
}

/// Where the barrier cannot even be registered, no call is retargeted in steps.
#[test]
fn no_steps_without_a_barrier() {
    support::in_child("barriers::no_steps_without_a_barrier", &[], || {
        let refuse = refuse_barriers(libc::ENOSYS);
        let update = supervise(refuse, || splits::stepped::update(add_seven).unwrap());
        check(add_seven);
        assert_eq!((update.barriers, update.barrier), (0, Barrier::Missing(libc::ENOSYS)));
        for call in split_calls() {
            assert_eq!(call.path, Path::Trampoline);
            assert_eq!(call.reason, Some(Reason::NoBarrier(libc::ENOSYS)));
        }
        assert!(support::calls("stepped").iter().any(|call| call.path == Path::Inline));
        assert_eq!(static_call::report().veneer_pages, 0);
    });
}

/// An update that ends in an error may have made veneers in pages that are executed. A barrier
/// comes before the first step of the next one.
#[test]
fn veneers_of_a_failed_update_wait_for_a_barrier() {
    support::in_child("barriers::veneers_of_a_failed_update_wait_for_a_barrier", &[], || {
        splits::stepped::update(add_seven).unwrap();
        splits::stepped::update(add_eight).unwrap();
        let call = split_calls().into_iter().find(|call| call.kind == Some(Kind::Call)).unwrap();
        // Returns whether a barrier came before the first page was opened.
        let leads = |update: &mut (dyn FnMut() -> bool + Send)| {
            let mut first = None;
            let is_done = supervise(
                |event| {
                    if matches!(event, Call::Barrier(_) | Call::Protect(_)) {
                        first.get_or_insert(matches!(event, Call::Barrier(_)));
                    }
                    Verdict::Continue
                },
                update,
            );
            (is_done, first == Some(true))
        };
        let mut waited = 0;
        let targets: [fn() -> Result<Update, UpdateError>; 4] = [
            || splits::stepped::update(|x| x + 31),
            || splits::stepped::update(|x| x * 5),
            || splits::stepped::update(|x| x ^ 77),
            || splits::stepped::update(|x| !x),
        ];
        for target in targets {
            let before = support::poke(call.address + 1, support::BREAKPOINT);
            let failed = leads(&mut || target().is_err());
            assert_eq!(failed, (true, false), "it opens no page");
            support::poke(call.address + 1, before);
            let (is_done, is_barrier_first) =
                leads(&mut || splits::stepped::update(add_seven).is_ok());
            assert!(is_done);
            waited += usize::from(is_barrier_first);
            let next = leads(&mut || splits::stepped::update(add_eight).is_ok());
            assert_eq!(next, (true, false), "nothing is left to wait for");
        }
        assert!(waited > 0);
    });
}

/// A breakpoint that appears between two steps is not overwritten, and the call stays where it
/// works.
#[test]
fn a_breakpoint_between_steps_is_kept() {
    support::in_child("barriers::a_breakpoint_between_steps_is_kept", &[], || {
        let calls = split_calls();
        splits::stepped::update(add_eight).unwrap();
        let new = support::destination(&calls[0]);
        splits::stepped::update(add_seven).unwrap();
        let old = support::destination(&calls[0]);
        let in_steps = |call: &CallReport| differs_in_both_parts(call, old, new);
        let is_call = |call: &CallReport| call.kind == Some(Kind::Call);
        let call = calls.into_iter().find(|call| is_call(call) && in_steps(call)).unwrap();
        // The first byte of the displacement.
        let place = call.address + 1;
        let mut kept = None;
        let update = supervise(
            |event| {
                if matches!(event, Call::Barrier(_)) && kept.is_none() {
                    kept = Some(support::poke(place, support::BREAKPOINT));
                }
                Verdict::Continue
            },
            || splits::stepped::update(add_eight).unwrap(),
        );
        assert_eq!(support::poke(place, kept.unwrap()), support::BREAKPOINT);
        assert_eq!(update.lost, 1, "{update:?}");
        check(add_eight);
        splits::stepped::update(add_seven).unwrap();
        check(add_seven);
        support::assert_path("stepped", Path::Inline);
    });
}

/// At each system call of an update in steps another thread forks, without running fork handlers.
/// The child goes on from whatever step the code shows.
#[test]
fn forks_between_steps() {
    support::in_child("barriers::forks_between_steps", &[], || {
        splits::stepped::update(add_seven).unwrap();
        let live_on = || {
            let results = splits::all(X);
            let legal = [add_seven, add_eight, splits::near].map(|t| splits::expected(t, X));
            for (way, result) in results.into_iter().enumerate() {
                assert!(legal.iter().any(|results| results[way] == result), "way {way}");
            }
            for _ in 0..2 {
                splits::stepped::update(splits::near).unwrap();
                check(splits::near);
                splits::stepped::update(add_seven).unwrap();
                check(add_seven);
                support::assert_path("stepped", Path::Inline);
            }
            assert_eq!(support::open_pages(), [""; 0]);
        };
        for is_first in [true, false] {
            let mut children = 0;
            supervise(
                |call| {
                    if !matches!(call, Call::Futex(_)) {
                        wait(child_without_handlers(live_on));
                        children += 1;
                    }
                    Verdict::Continue
                },
                || match is_first {
                    true => splits::stepped::update(splits::near).unwrap(),
                    false => splits::stepped::update(add_eight).unwrap(),
                },
            );
            assert!(children >= 5, "{children}");
            check(if is_first { splits::near } else { add_eight });
        }
    });
}
