//! Hooks and flags that some threads run while another thread switches them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use static_call::{Barrier, call, flag, static_call};
use static_call_tests::hooks;

use crate::turn;

const THREADS: usize = 3;
const ROUNDS: u64 = 150;

/// Runs `work` on threads until `switch` is done.
fn while_switching(work: impl Fn() + Sync, switch: impl FnOnce()) {
    let (done, started) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                work();
                started.fetch_add(1, Ordering::Relaxed);
                while !done.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        while started.load(Ordering::Relaxed) < THREADS as u32 {
            std::thread::yield_now();
        }
        let switched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(switch));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = switched {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Returns whether calls that start after an update are guaranteed to see it.
fn is_prompt(barrier: Barrier) -> bool {
    matches!(barrier, Barrier::Ran | Barrier::NotNeeded)
}

static HEARD: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static WRONG: AtomicU64 = AtomicU64::new(0);
/// The argument while the hook is on; 0 before it is first turned on.
static PREPARED: AtomicU64 = AtomicU64::new(0);

fn hear(which: usize, x: u64) {
    HEARD[which].fetch_add(1, Ordering::Relaxed);
    WRONG.fetch_add((x == 0).into(), Ordering::Relaxed);
}

/// An evaluated argument sees everything written before the hook was turned on.
#[test]
fn hooks_under_threads() {
    let _turn = turn();
    let evaluated = AtomicU64::new(0);
    let work = || {
        for way in hooks::WAYS {
            way(&mut || {
                evaluated.fetch_add(1, Ordering::Relaxed);
                PREPARED.load(Ordering::Relaxed)
            });
        }
    };
    let heard = || HEARD.iter().map(|n| n.load(Ordering::Relaxed)).sum::<u64>();
    while_switching(work, || {
        for round in 0..ROUNDS {
            PREPARED.store(round + 1, Ordering::Relaxed);
            hooks::heard::update(|x| hear(0, x)).unwrap();
            if round % 3 == 0 {
                hooks::heard::update(|x| hear(1, x)).unwrap();
            }
            if round % 16 == 0 {
                static_call::unbind().unwrap();
                static_call::init().unwrap();
            }
            // Every thread sees that it is on.
            let before = heard();
            while heard() < before + 5 {
                std::thread::yield_now();
            }
            hooks::heard::disable().unwrap();
        }
    });
    assert_eq!(WRONG.load(Ordering::Relaxed), 0, "an argument was evaluated too early");
    assert!(evaluated.load(Ordering::Relaxed) >= heard());
    let before = evaluated.load(Ordering::Relaxed);
    work();
    assert_eq!(evaluated.load(Ordering::Relaxed), before);
}

/// An answer is the flag's value at some moment during the test; after a switch every thread gets
/// the new one.
#[test]
fn flags_under_threads() {
    let _turn = turn();
    // Twice the number of switches, odd during one. The flag is on after an odd number of switches.
    static STATE: AtomicU64 = AtomicU64::new(0);
    let wrong = AtomicU64::new(0);
    let ask = |answer: &dyn Fn() -> bool| {
        let before = STATE.load(Ordering::SeqCst);
        let on = answer();
        let after = STATE.load(Ordering::SeqCst);
        if before == after && before.is_multiple_of(2) && on != (before / 2 % 2 == 1) {
            wrong.fetch_add(1, Ordering::Relaxed);
        }
    };
    let work = || {
        ask(&|| hooks::LOUD.unlikely());
        ask(&|| hooks::LOUD.likely());
        ask(&|| hooks::flags()[0]);
        ask(&|| hooks::flags_inlined()[1]);
        ask(&|| hooks::LOUD.get());
    };
    let mut prompt = true;
    while_switching(work, || {
        for round in 1..=2 * ROUNDS {
            STATE.fetch_add(1, Ordering::SeqCst);
            let update = hooks::LOUD.set(round % 2 == 1).unwrap();
            STATE.fetch_add(1, Ordering::SeqCst);
            prompt &= is_prompt(update.barrier);
            for _ in 0..200 {
                std::hint::spin_loop();
            }
        }
    });
    if prompt {
        assert_eq!(wrong.load(Ordering::Relaxed), 0);
    }
}

/// A thread that increments a flag sees it on until the thread decrements it, whatever others do.
#[test]
fn counting_on_many_threads() {
    flag! { static USERS = false; }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    USERS.inc().unwrap();
                    assert!(USERS.unlikely() && USERS.likely() && USERS.get());
                    USERS.inc().unwrap();
                    USERS.dec().unwrap();
                    assert!(USERS.unlikely() && USERS.likely() && USERS.count() > 0);
                    USERS.dec().unwrap();
                }
            });
        }
    });
    assert_eq!(
        (USERS.count(), USERS.get(), USERS.unlikely(), USERS.likely()),
        (0, false, false, false)
    );
    USERS.dec().unwrap_err();
}

/// A hook's target can turn the hook off and switch a flag.
#[test]
fn switching_inside_a_hook() {
    #[static_call]
    fn once(x: u64);
    flag! { static DONE = false; }
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let run = |x| {
        call!(once(x));
        DONE.unlikely()
    };
    assert!(!run(1));
    once::update(|x| {
        TIMES.fetch_add(x, Ordering::Relaxed);
        once::disable().unwrap();
        DONE.enable().unwrap();
    })
    .unwrap();
    assert!(run(2) && run(4));
    assert_eq!(TIMES.load(Ordering::Relaxed), 2);
}
