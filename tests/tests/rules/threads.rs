//! Many threads during updates: every call reaches a target that the key had, and nothing waits for
//! ever.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use static_call::{call, static_call};
use static_call_tests as lib;
use support::callers::{are_legal, call_while};

use super::{X, add_eight, add_seven, check};

/// A pseudo-random generator that gives the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[test]
fn every_result_during_updates_is_legal() {
    support::in_child("threads::every_result_during_updates_is_legal", &[], || {
        let legal = [|x| x + 1, add_seven, add_eight, lib::plus_two];
        let legal = legal.map(|target: fn(u64) -> u64| lib::expected(target, X));
        let are_legal = are_legal(|| lib::all_ways(X), legal.into());
        let call = || {
            are_legal();
            let sum = AtomicU64::new(0);
            call!(lib::note(&sum, 5));
            let added = sum.into_inner();
            assert!(matches!(added, 0 | 5), "{added}");
        };
        let mut random = Random(7);
        call_while(call, |_| {
            let result = match random.below(16) {
                0..4 => lib::apply::update(add_seven),
                4..8 => lib::apply::update(add_eight),
                8..10 => lib::apply::update(lib::plus_two),
                10 => lib::apply::reset(),
                11 => static_call::unbind(),
                12 => static_call::init(),
                13 => lib::note::disable(),
                _ => lib::note::update(|sum, x| {
                    sum.fetch_add(x, Ordering::Relaxed);
                }),
            };
            assert_eq!(result.map(|u| (u.lost, u.pages_left_open)), Ok((0, 0)));
        });
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

#[static_call]
fn number(_x: u64) -> u64 {
    0
}

/// Written before an update; the new target reads it.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The target with number `N` modulo 8. Returns it with what was written before the update.
fn is<const N: u64>(_x: u64) -> u64 {
    WRITTEN.load(Ordering::Relaxed) << 3 | N
}

/// Every call that starts on any thread after `update` has returned reaches the new target.
#[test]
fn no_call_reaches_an_old_target_after_an_update() {
    support::in_child("threads::no_call_reaches_an_old_target_after_an_update", &[], || {
        let started = AtomicU64::new(0);
        let finished = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        let seen = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let callers = [
                (|| number(0)) as fn() -> u64,
                || call!(number(0)),
                || call!(number(0)).rotate_left(1).rotate_right(1),
            ];
            for caller in callers {
                let (started, finished, done, seen) = (&started, &finished, &done, &seen);
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let from = finished.load(Ordering::SeqCst);
                        let result = caller();
                        let to = started.load(Ordering::SeqCst);
                        if from == 0 || to - from >= 8 {
                            continue;
                        }
                        let legal = (from..=to).any(|n| n % 8 == result & 7);
                        assert!(legal, "target {} between {from} and {to}", result & 7);
                        let written = result >> 3;
                        assert!(written >= from, "{written} was written before {from}");
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let deadline = Instant::now() + Duration::from_millis(1500);
            let mut n = 0;
            // However slow the machine is, both happen often.
            while n <= 100 || seen.load(Ordering::Relaxed) <= 100 || Instant::now() < deadline {
                n += 1;
                started.store(n, Ordering::SeqCst);
                WRITTEN.store(n, Ordering::Relaxed);
                let result = match n % 8 {
                    0 => number::update(is::<0>),
                    1 => number::update(is::<1>),
                    2 => number::update(is::<2>),
                    3 => number::update(is::<3>),
                    4 => number::update(is::<4>),
                    5 => number::update(is::<5>),
                    6 => number::update(is::<6>),
                    _ => number::update(is::<7>),
                };
                result.unwrap();
                finished.store(n, Ordering::SeqCst);
                // No update is running, so this thread's calls reach the new target.
                assert_eq!(number(0) & 7, n % 8);
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn updates_come_from_many_threads() {
    support::in_child("threads::updates_come_from_many_threads", &[], || {
        std::thread::scope(|scope| {
            for seed in 0..4 {
                scope.spawn(move || {
                    let mut random = Random(seed);
                    for _ in 0..1000 {
                        let result = match random.below(5) {
                            0 => lib::apply::update(add_seven),
                            1 => lib::apply::update(add_eight),
                            2 => lib::apply::reset(),
                            3 => number::update(is::<1>),
                            _ => static_call::init(),
                        };
                        result.unwrap();
                    }
                });
            }
        });
        lib::apply::update(add_eight).unwrap();
        check(add_eight);
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

#[test]
fn a_target_may_update_its_own_key() {
    support::in_child("threads::a_target_may_update_its_own_key", &[], || {
        for _ in 0..3 {
            lib::apply::update(|x| {
                lib::apply::update(add_seven).unwrap();
                x + 100
            })
            .unwrap();
            assert_eq!(lib::plain(X), (X + 100).rotate_left(1));
            check(add_seven);
        }
    });
}

#[test]
fn a_target_that_panics_leaves_nothing_locked() {
    support::in_child("threads::a_target_that_panics_leaves_nothing_locked", &[], || {
        for _ in 0..3 {
            lib::apply::update(|_| {
                lib::apply::update(add_seven).unwrap();
                std::panic::resume_unwind(Box::new("on purpose"))
            })
            .unwrap();
            let panic = std::panic::catch_unwind(|| lib::plain(X)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
            check(add_seven);
            lib::apply::update(add_eight).unwrap();
            check(add_eight);
            let other = std::thread::spawn(|| lib::apply::update(add_seven));
            other.join().unwrap().unwrap();
        }
    });
}
