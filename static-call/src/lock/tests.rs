//! The lock has one holder at a time, whichever process or thread held it before.

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Makes these tests take turns: the process has only one lock.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shared(UnsafeCell<u64>);
// SAFETY: INV-LOCK: the cell is used only with the lock held, which is what the test checks.
unsafe impl Sync for Shared {}

#[test]
fn one_holder_at_a_time() {
    let _turn = turn();
    let shared = Shared(UnsafeCell::new(0));
    let inside = AtomicUsize::new(0);
    let (threads, rounds) = (4, 3000);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let _guard = lock().expect("this thread does not hold it");
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    // SAFETY: INV-LOCK: the guard is held.
                    unsafe { *(&raw const shared).cast::<u64>().cast_mut() += 1 };
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(shared.0.into_inner(), threads * rounds);
    assert_eq!(record().word.load(Ordering::Relaxed), 0, "released at the end");
}

#[test]
fn the_holder_cannot_take_it_again() {
    let _turn = turn();
    let guard = lock().expect("free");
    assert!(lock().is_err());
    // The same holds while another thread waits.
    let waiter = thread::spawn(|| lock().map(drop).is_ok());
    let deadline = Instant::now() + Duration::from_secs(20);
    while record().word.load(Ordering::Relaxed) & WAITERS == 0 && Instant::now() < deadline {
        thread::yield_now();
    }
    assert_ne!(record().word.load(Ordering::Relaxed) & WAITERS, 0, "the waiter waits");
    assert!(lock().is_err());
    drop(guard);
    assert!(waiter.join().unwrap(), "the waiter is woken");
    assert!(lock().is_ok());
}

/// Each woken thread wakes the next one.
#[test]
fn all_waiters_are_woken() {
    let _turn = turn();
    let guard = lock().expect("free");
    let woken = std::sync::Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let woken = woken.clone();
        thread::spawn(move || {
            drop(lock());
            woken.fetch_add(1, Ordering::SeqCst);
        });
    }
    // Usually long enough for all to sleep. If one does not, fewer threads are woken.
    thread::sleep(Duration::from_millis(100));
    drop(guard);
    let deadline = Instant::now() + Duration::from_secs(20);
    while woken.load(Ordering::SeqCst) < 3 {
        assert!(Instant::now() < deadline, "a thread was not woken");
        thread::yield_now();
    }
}

/// A child of a `fork` without handlers inherits a lock whose holder does not exist in the child.
#[test]
fn a_holder_of_another_process_is_replaced() {
    let _turn = turn();
    for waiters in [0, WAITERS] {
        let gone = u64::from(sys::process() ^ 1) << 32 | u64::from(sys::thread()) | waiters;
        record().word.store(gone, Ordering::Relaxed);
        let guard = lock().expect("not held by this process");
        let now = record().word.load(Ordering::Relaxed);
        assert_eq!(now >> 32, u64::from(sys::process()));
        drop(guard);
        assert_eq!(record().word.load(Ordering::Relaxed), 0);
    }
}

/// The format is frozen: other versions of this crate in the same link read it.
#[test]
fn the_format_of_the_record_is_frozen() {
    let _turn = turn();
    assert_eq!((size_of::<LockRecord>(), align_of::<LockRecord>()), (16, 16));
    assert_eq!(core::mem::offset_of!(LockRecord, word), 0);
    let guard = lock().expect("free");
    let word = record().word.load(Ordering::Relaxed);
    assert_eq!(word, u64::from(sys::process()) << 32 | u64::from(sys::thread()));
    drop(guard);
    assert_eq!(WAITERS, 0x8000_0000);
}
