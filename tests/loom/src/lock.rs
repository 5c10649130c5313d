//! The lock has one holder at a time, what a holder wrote is visible to the next, and no thread
//! sleeps for ever.

use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::sync::{AtomicU64, Ordering};
use crate::word::{self, THREAD, WAITERS};

/// Identities of two processes: the upper half of the word.
const PROCESS: u64 = 7 << 32;
const PARENT: u64 = 6 << 32;

/// The lock, its futex, and what it protects.
struct Shared {
    word: AtomicU64,
    /// `FUTEX_WAIT` compares and goes to sleep in one step, and `FUTEX_WAKE` comes before or after
    /// it (futex(2)).
    futex: Mutex<()>,
    sleepers: Condvar,
    protected: AtomicU64,
}

impl Shared {
    fn new(word: u64) -> Arc<Self> {
        Arc::new(Self {
            word: AtomicU64::new(word),
            futex: Mutex::new(()),
            sleepers: Condvar::new(),
            protected: AtomicU64::new(0),
        })
    }

    fn wait(&self, waited: u64) {
        let guard = self.futex.lock().unwrap();
        if self.word.load(Ordering::SeqCst) as u32 == waited as u32 {
            drop(self.sleepers.wait(guard).unwrap());
        }
    }

    fn wake_one(&self) {
        let _guard = self.futex.lock().unwrap();
        self.sleepers.notify_one();
    }

    fn acquire(&self, mine: u64) {
        word::acquire(&self.word, mine, true, |waited| self.wait(waited)).unwrap();
    }

    /// Adds one in two steps, which must not be mixed with those of others. `Relaxed`: only the
    /// lock orders them.
    fn add(&self) {
        let before = self.protected.load(Ordering::Relaxed);
        thread::yield_now();
        self.protected.store(before + 1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.protected.load(Ordering::Relaxed)
    }
}

/// Runs `body` in as many threads, with their identities, in every order.
fn check(threads: u64, first: u64, body: fn(&Shared, u64)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(if threads > 2 { 2 } else { 4 });
    model.check(move || {
        let shared = Shared::new(first);
        let all: Vec<_> = (1..=threads)
            .map(|n| {
                let shared = shared.clone();
                thread::spawn(move || body(&shared, PROCESS | n))
            })
            .collect();
        for thread in all {
            thread.join().unwrap();
        }
        assert_eq!(shared.total(), threads, "the lock had two holders");
        assert_eq!(shared.word.load(Ordering::SeqCst), 0, "the lock is still held");
    });
}

fn use_once(shared: &Shared, mine: u64) {
    shared.acquire(mine);
    shared.add();
    word::release(&shared.word, || shared.wake_one());
}

#[test]
fn one_holder_at_a_time_and_all_wake() {
    check(2, 0, use_once);
    check(3, 0, use_once);
}

/// A thread of the parent process, which is not here, held the lock when the process was copied.
#[test]
fn one_thread_takes_the_lock_over() {
    check(2, PARENT | 5, use_once);
    check(2, PARENT | 5 | WAITERS, use_once);
}

/// A thread that holds the lock is told so, whoever waits.
#[test]
fn the_holder_is_told() {
    check(2, 0, |shared, mine| {
        shared.acquire(mine);
        let again = word::acquire(&shared.word, mine, true, |_| panic!("it waits for itself"));
        assert!(again.is_err());
        shared.add();
        word::release(&shared.word, || shared.wake_one());
    });
}

/// Control: a release that wakes nobody.
#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wake_is_noticed() {
    check(2, 0, |shared, mine| {
        shared.acquire(mine);
        shared.add();
        word::release(&shared.word, || {});
    });
}

/// Control: a thread that was woken forgets that others may sleep.
#[test]
#[should_panic(expected = "deadlock")]
fn a_forgotten_sleeper_is_noticed() {
    check(3, 0, |shared, mine| {
        while let Err(now) =
            shared.word.compare_exchange(0, mine, Ordering::Acquire, Ordering::Relaxed)
        {
            let waited = now | WAITERS;
            let mark =
                shared.word.compare_exchange(now, waited, Ordering::Relaxed, Ordering::Relaxed);
            if mark.is_ok() {
                shared.wait(waited);
            }
        }
        shared.add();
        word::release(&shared.word, || shared.wake_one());
    });
}

/// Control: a lock that orders nothing.
#[test]
#[should_panic(expected = "two holders")]
fn a_missing_order_is_noticed() {
    check(2, 0, |shared, mine| {
        assert!(mine & THREAD > 0);
        while shared.word.compare_exchange(0, mine, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            thread::yield_now();
        }
        shared.add();
        shared.word.store(0, Ordering::Relaxed);
    });
}
