//! Signals and forks during updates: a handler that interrupts one gets an error, and nothing waits
//! for ever.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use static_call::{UpdateError, call, flag, static_call};
use static_call_tests as lib;
use support::children::{child, child_without_handlers, exit, fork, wait};
use support::supervisor::{Call, Verdict, supervise};

use super::{X, add_eight, add_seven, check};

#[static_call]
fn number(_x: u64) -> u64 {
    0
}

/// How many updates in the signal handler succeeded, and how many re-entered another.
static HANDLED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

extern "C" fn update_in_handler(_signal: i32) {
    match lib::apply::update(add_seven) {
        Ok(_) => HANDLED[0].fetch_add(1, Ordering::SeqCst),
        Err(UpdateError::Reentered) => HANDLED[1].fetch_add(1, Ordering::SeqCst),
        Err(_) => exit(3),
    };
}

fn handle(handler: extern "C" fn(i32)) {
    // SAFETY: the handler is async-signal-safe, or this test shows that it is not.
    let before = unsafe { libc::signal(libc::SIGUSR1, handler as *const () as usize) };
    assert_ne!(before, libc::SIG_ERR);
}

fn signal(thread: u64) {
    // SAFETY: the thread is alive, because it waits for this one.
    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
}

fn this_thread() -> u64 {
    // SAFETY: it only queries.
    unsafe { libc::pthread_self() }
}

#[test]
fn signals_may_interrupt_updates() {
    support::in_child("signals::signals_may_interrupt_updates", &[], || {
        lib::apply::update(add_eight).unwrap();
        handle(update_in_handler);
        let updater = this_thread();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    signal(updater);
                    std::thread::yield_now();
                }
            });
            let deadline = Instant::now() + Duration::from_secs(1);
            while Instant::now() < deadline {
                lib::apply::update(add_eight).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        lib::apply::update(add_eight).unwrap();
        check(add_eight);
        assert!(HANDLED[0].load(Ordering::SeqCst) + HANDLED[1].load(Ordering::SeqCst) > 0);
    });
}

/// Interrupts the updating thread at every system call of an update.
#[test]
fn a_handler_that_interrupts_an_update_gets_an_error() {
    support::in_child("signals::a_handler_that_interrupts_an_update_gets_an_error", &[], || {
        handle(update_in_handler);
        lib::apply::update(add_eight).unwrap();
        let updater = AtomicU64::new(0);
        let mut interruptions = 0;
        supervise(
            |call| {
                // An interrupted call starts again, so each is interrupted once.
                if !matches!(call, Call::Futex(_)) && interruptions < 3 {
                    interruptions += 1;
                    signal(updater.load(Ordering::SeqCst));
                    wait_until(|| HANDLED[1].load(Ordering::SeqCst) == interruptions);
                }
                Verdict::Continue
            },
            || {
                updater.store(this_thread(), Ordering::SeqCst);
                lib::apply::update(add_eight_again).unwrap()
            },
        );
        assert_eq!(HANDLED.each_ref().map(|n| n.load(Ordering::SeqCst)), [0, 3]);
        check(add_eight);
    });
}

fn add_eight_again(x: u64) -> u64 {
    x + 4 + 4
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out");
        std::thread::yield_now();
    }
}

static CHILD: AtomicI32 = AtomicI32::new(0);

extern "C" fn fork_in_handler(_signal: i32) {
    match fork() {
        0 => match lib::apply::update(add_seven) {
            Err(UpdateError::Reentered) => exit(0),
            _ => exit(4),
        },
        child => CHILD.store(child, Ordering::SeqCst),
    }
}

/// A handler that interrupts an update forks: the child is still inside that update.
#[test]
fn a_fork_inside_an_update_is_still_inside_it() {
    support::in_child("signals::a_fork_inside_an_update_is_still_inside_it", &[], || {
        handle(fork_in_handler);
        lib::apply::update(add_eight).unwrap();
        let updater = AtomicU64::new(0);
        let mut is_first = true;
        supervise(
            |call| {
                if matches!(call, Call::Protect(_)) && std::mem::take(&mut is_first) {
                    signal(updater.load(Ordering::SeqCst));
                    wait_until(|| CHILD.load(Ordering::SeqCst) != 0);
                    wait(CHILD.load(Ordering::SeqCst));
                }
                Verdict::Continue
            },
            || {
                updater.store(this_thread(), Ordering::SeqCst);
                lib::apply::update(add_seven).unwrap()
            },
        );
        check(add_seven);
        lib::apply::update(add_eight).unwrap();
        check(add_eight);
    });
}

/// Runs in every child of a fork.
fn live_on() {
    // Another key first: any update completes what the interrupted one left.
    number::update(|_| 2).unwrap();
    assert_eq!(support::open_pages(), [""; 0]);
    let results = lib::all_ways(X);
    let legal: [fn(u64) -> u64; 4] = [|x| x + 1, add_seven, add_eight, |x| x + 9];
    assert!(legal.iter().any(|t| lib::expected(*t, X) == results), "half an update");
    for target in [add_eight, add_seven as fn(u64) -> u64] {
        if target(0) == 8 { lib::apply::update(add_eight) } else { lib::apply::update(add_seven) }
            .unwrap();
        check(target);
        assert_eq!(support::open_pages(), [""; 0]);
    }
    number::update(|_| 3).unwrap();
    assert_eq!(call!(number(0)), 3);
    assert!(static_call::report().totals().inline > 0);
}

#[test]
fn forks_during_many_updates() {
    support::in_child("signals::forks_during_many_updates", &[], || {
        let done = AtomicBool::new(false);
        lib::apply::update(add_eight).unwrap();
        std::thread::scope(|scope| {
            let updater = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    lib::apply::update(add_seven).unwrap();
                    lib::apply::update(add_eight).unwrap();
                }
            });
            let deadline = Instant::now() + Duration::from_secs(3);
            let mut forks = 0;
            while forks < 60 && Instant::now() < deadline && !updater.is_finished() {
                wait(child(live_on));
                forks += 1;
            }
            done.store(true, Ordering::Relaxed);
            assert!(forks > 2);
        });
    });
}

/// At each system call of an update another thread forks, without running fork handlers.
#[test]
fn forks_without_handlers_during_an_update() {
    support::in_child("signals::forks_without_handlers_during_an_update", &[], || {
        lib::apply::update(add_seven).unwrap();
        static_call::init().unwrap();
        for to_nine in [true, false] {
            let mut children = 0;
            supervise(
                |call| {
                    if !matches!(call, Call::Futex(_)) {
                        wait(child_without_handlers(live_on));
                        children += 1;
                    }
                    Verdict::Continue
                },
                || {
                    if to_nine {
                        lib::apply::update(|x| x + 9)
                    } else {
                        lib::apply::update(add_eight)
                    }
                    .unwrap()
                },
            );
            assert!(children >= 3, "{children}");
            check(if to_nine { |x| x + 9 } else { add_eight });
        }
    });
}

/// The same, with forks while the registry is built.
#[test]
fn forks_without_handlers_at_first_use() {
    support::in_child("signals::forks_without_handlers_at_first_use", &[], || {
        let mut children = 0;
        supervise(
            |call| {
                if !matches!(call, Call::Futex(_)) {
                    wait(child_without_handlers(live_on));
                    children += 1;
                }
                Verdict::Continue
            },
            || lib::apply::update(add_eight).unwrap(),
        );
        assert!(children >= 5, "{children}");
        check(add_eight);
    });
}

flag! { static NOISY = false; }

#[inline(never)]
fn noise() -> (bool, bool) {
    (NOISY.unlikely(), NOISY.likely())
}

/// The same with a flag: in the child it is also on while its count is positive.
#[test]
fn forks_without_handlers_while_a_flag_is_counted() {
    support::in_child("signals::forks_without_handlers_while_a_flag_is_counted", &[], || {
        let live_on = |first: bool| {
            // First the flag itself, or another key.
            if first {
                let before = NOISY.count();
                NOISY.inc().unwrap();
                assert_eq!(NOISY.count(), before + 1);
            } else {
                number::update(|_| 2).unwrap();
            }
            for more in [2, 1, 0] {
                let on = NOISY.count() > 0;
                assert_eq!((NOISY.get(), noise()), (on, (on, on)), "{more}");
                if on {
                    NOISY.dec().unwrap();
                }
            }
            assert!(!NOISY.get() && NOISY.dec().is_err());
        };
        static_call::init().unwrap();
        for up in [true, false, true] {
            let mut children = 0;
            supervise(
                |call| {
                    if !matches!(call, Call::Futex(_)) {
                        for first in [true, false] {
                            wait(child_without_handlers(|| live_on(first)));
                            children += 1;
                        }
                    }
                    Verdict::Continue
                },
                || if up { NOISY.inc() } else { NOISY.dec() }.unwrap(),
            );
            assert!(children >= 6, "{children}");
            assert_eq!((NOISY.get(), noise()), (up, (up, up)));
        }
    });
}
