//! Batches: all or nothing, pages opened once, one barrier; and restoring.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use static_call::{UpdateError, static_call};
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use static_call_tests as lib;

#[static_call]
fn left(x: u64) -> u64 {
    x
}

#[static_call]
fn right(x: u64) -> u64 {
    x
}

#[static_call]
fn third(x: u64) -> u64 {
    x
}

fn both(target: fn(u64) -> u64) -> bool {
    left(7) == target(7) && right(7) == target(7)
}

fn one(x: u64) -> u64 {
    x + 1
}

fn two(x: u64) -> u64 {
    x + 2
}

#[test]
fn every_key_or_none() {
    support::in_child("batch::every_key_or_none", &[], || {
        let update = static_call::batch(|batch| {
            batch.update(left::KEY, one)?;
            batch.update(right::KEY, one)?;
            // The last request for a key wins.
            batch.update(third::KEY, two)?;
            batch.update(third::KEY, one)
        });
        let previous = update.unwrap().previous;
        assert!(both(one));
        assert_eq!(third(7), 8);

        let cancelled = static_call::batch(|batch| {
            batch.update(left::KEY, two)?;
            Err(UpdateError::Cancelled)
        });
        assert_eq!(cancelled.unwrap_err(), UpdateError::Cancelled);
        assert!(both(one));

        // Fails only when it is committed.
        let sealed = static_call::batch(|batch| {
            batch.update(left::KEY, two)?;
            batch.update(third::KEY, two)?;
            third::KEY.seal();
            batch.update(right::KEY, two)
        });
        assert_eq!(sealed.unwrap_err(), UpdateError::Sealed { key: "third" });
        assert!(both(one));
        assert_eq!(third(7), 8);
        // A request that must fail does so immediately.
        let early = static_call::batch(|batch| {
            batch.update(third::KEY, two)?;
            unreachable!("sealed")
        });
        assert_eq!(early.unwrap_err(), UpdateError::Sealed { key: "third" });
        assert_eq!(previous.restore().unwrap_err(), UpdateError::Sealed { key: "third" });

        let round = static_call::batch(|batch| {
            batch.update(left::KEY, right)?;
            batch.update(right::KEY, left)
        });
        assert!(matches!(round.unwrap_err(), UpdateError::CallsItself { .. }));
        assert!(both(one));
        // A cycle that the same batch breaks is not an error.
        left::update(right).unwrap();
        let turned = static_call::batch(|batch| {
            batch.update(left::KEY, two)?;
            batch.update(right::KEY, left)
        });
        turned.unwrap();
        assert!(both(two));
        assert_eq!(right::update(right).unwrap_err(), UpdateError::CallsItself { key: "right" });
        assert_eq!(left::update(right).unwrap_err(), UpdateError::CallsItself { key: "left" });
    });
}

#[test]
fn a_batch_restores_what_each_key_called() {
    support::in_child("batch::a_batch_restores_what_each_key_called", &[], || {
        left::update(two).unwrap();
        right::update_fn(one).unwrap();
        let update = static_call::batch(|batch| {
            batch.reset(left::KEY)?;
            batch.update_fn(right::KEY, two as fn(u64) -> u64)?;
            batch.update(left::KEY, one)
        });
        let previous = update.unwrap().previous;
        assert_eq!((left(7), right(7)), (8, 9));
        let again = previous.clone().restore().unwrap().previous;
        assert_eq!((left(7), right(7)), (9, 8));
        again.restore().unwrap();
        assert_eq!((left(7), right(7)), (8, 9));
        static_call::batch(|batch| {
            batch.restore(previous)?;
            batch.update(left::KEY, one)
        })
        .unwrap();
        assert_eq!((left(7), right(7)), (8, 8));
        assert!(static_call::init().unwrap().previous.restore().is_ok());
        assert_eq!((left(7), right(7)), (8, 8));
    });
}

#[test]
fn a_report_sees_all_of_a_batch() {
    support::in_child("batch::a_report_sees_all_of_a_batch", &[], || {
        static DONE: AtomicBool = AtomicBool::new(false);
        let target = |report: &static_call::Report, name| {
            report.keys.iter().find(|key| key.name == name).unwrap().target.name()
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0.. {
                    static_call::batch(|batch| match n % 2 {
                        0 => batch.update(left::KEY, one).and(batch.update(right::KEY, one)),
                        _ => batch.update(left::KEY, two).and(batch.update(right::KEY, two)),
                    })
                    .unwrap();
                    if n > 2_000 && DONE.load(Ordering::Acquire) {
                        break;
                    }
                }
            });
            // However the two threads interleave, both batches are seen some day.
            let mut seen = [0; 2];
            while seen[0] < 5 || seen[1] < 5 {
                let report = static_call::report();
                let names = (target(&report, "left"), target(&report, "right"));
                assert_eq!(names.0.ends_with("::one"), names.1.ends_with("::one"), "{names:?}");
                seen[usize::from(names.0.ends_with("::one"))] += 1;
            }
            DONE.store(true, Ordering::Release);
        });
    });
}

#[test]
fn closures_run_outside_the_lock() {
    support::in_child("batch::closures_run_outside_the_lock", &[], || {
        static_call::batch(|batch| {
            batch.update(left::KEY, one)?;
            // On this thread, and on another one, which would otherwise wait for ever.
            third::update(two)?;
            thread::spawn(|| third::update(one).map(|_| static_call::report()))
                .join()
                .expect("no panic")?;
            static_call::batch(|inner| inner.update(right::KEY, two))?;
            batch.update(right::KEY, one)
        })
        .unwrap();
        assert!(both(one));
        assert_eq!(third(7), 8);
    });
}

#[test]
fn batches_of_several_threads_do_not_mix() {
    support::in_child("batch::batches_of_several_threads_do_not_mix", &[], || {
        static FAILED: AtomicUsize = AtomicUsize::new(0);
        let switch = |target: fn(u64) -> u64| {
            static_call::batch(|batch| {
                batch.update_fn(left::KEY, target)?;
                batch.update_fn(right::KEY, target)
            })
        };
        thread::scope(|scope| {
            for target in [one as fn(u64) -> u64, two] {
                scope.spawn(move || {
                    for _ in 0..1_000 {
                        if switch(target).is_err() {
                            FAILED.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(FAILED.load(Ordering::Relaxed), 0);
        assert!(both(one) || both(two));
    });
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod calls {
    use super::{left, lib, one, right, third, two};
    use support::supervisor::{Call, Verdict, supervise};

    /// Returns how often the body opened pages, closed pages, and ran barriers.
    fn counted(body: impl FnOnce() + Send) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        let writable = u64::from(libc::PROT_WRITE.unsigned_abs());
        supervise(
            |call| {
                match call {
                    Call::Protect(rights) if rights & writable != 0 => counts.0 += 1,
                    Call::Protect(_) => counts.1 += 1,
                    Call::Barrier(_) => counts.2 += 1,
                    _ => {}
                }
                Verdict::Continue
            },
            body,
        );
        counts
    }

    #[test]
    fn one_opening_and_one_barrier() {
        support::in_child("batch::calls::one_opening_and_one_barrier", &[], || {
            lib::apply::update(two).unwrap();
            static_call::init().unwrap();
            let singly = counted(|| {
                left::update(one).unwrap();
                right::update(one).unwrap();
                third::update(one).unwrap();
            });
            assert_eq!((singly.0, singly.2), (singly.1, 3), "{singly:?}");
            assert!(singly.0 >= 3);
            let together = counted(|| {
                static_call::batch(|batch| {
                    batch.update(left::KEY, two)?;
                    batch.update(right::KEY, two)?;
                    batch.update(third::KEY, two)
                })
                .unwrap();
            });
            // All of this crate's calls are on one page or two adjacent ones.
            assert_eq!((together.0, together.2), (together.1, 1), "{together:?}");
            assert!(together.0 < singly.0, "{together:?} {singly:?}");
            assert_eq!(left(7) + right(7) + third(7), 27);
            // An empty batch makes no system calls.
            assert_eq!(counted(|| drop(static_call::batch(|_| Ok(())).unwrap())), (0, 0, 0));
        });
    }
}
