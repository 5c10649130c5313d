//! Guards: what they restore, when they wait, and that a deadlock is an error.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use static_call::{Change, Observer, Scoped, UpdateError, flag, static_call};

/// Defines keys for one test, because tests share the process.
macro_rules! keys {
    ($($key:ident)*) => {$(
        #[static_call]
        fn $key() -> u32 {
            0
        }
    )*};
}

#[test]
fn a_guard_restores_what_was_there_before() {
    keys!(key);
    key::update(|| 1).unwrap();
    {
        let _guard = key::scoped(|| 2).unwrap();
        assert_eq!(key(), 2);
    }
    assert_eq!(key(), 1);
    let guard = key::KEY.scoped(|| 3).unwrap();
    key::update(|| 4).unwrap();
    guard.restore().unwrap();
    assert_eq!(key(), 1, "the update in between was undone, too");
}

#[test]
fn a_panic_restores() {
    keys!(key);
    let caught = panic::catch_unwind(|| {
        let _guard = key::scoped(|| 1).unwrap();
        panic!("{}", key());
    });
    assert_eq!(caught.unwrap_err().downcast_ref::<String>().unwrap(), "1");
    assert_eq!(key(), 0);
}

#[test]
fn guards_of_one_thread_nest() {
    keys!(key);
    let outer = key::scoped(|| 1).unwrap();
    let inner = key::scoped(|| 2).unwrap();
    let innermost = key::scoped(|| 3).unwrap();
    drop(innermost);
    assert_eq!(key(), 2);
    drop(inner);
    assert_eq!(key(), 1);
    drop(outer);
    assert_eq!(key(), 0);
}

#[test]
fn guards_of_one_thread_are_dropped_in_any_order() {
    keys!(key);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut guards =
            [key::scoped(|| 1), key::scoped(|| 2), key::scoped(|| 3)].map(|guard| guard.ok());
        for dropped in order {
            guards[dropped] = None;
            let innermost = guards.iter().rposition(Option::is_some);
            assert_eq!(key() as usize, innermost.map_or(0, |i| i + 1), "{order:?}");
        }
    }
}

#[test]
fn a_batch_lasts_as_long_as_its_guard() {
    keys!(one two);
    flag! { static FLAG = false; }
    FLAG.inc().unwrap();
    FLAG.inc().unwrap();
    let guard = static_call::scoped(|batch| {
        batch.update(one::KEY, || 1)?;
        batch.update(one::KEY, || 2)?;
        batch.update_fn(two::KEY, || 3)?;
        batch.set_flag(&FLAG, false)
    });
    assert_eq!((one(), two(), FLAG.get()), (2, 3, false));
    drop(guard.unwrap());
    assert_eq!((one(), two(), FLAG.count()), (0, 0, 2));
    {
        let _off = FLAG.scoped(false).unwrap();
        assert!(!FLAG.unlikely());
    }
    assert_eq!(FLAG.count(), 2);
}

#[static_call]
trait Clock {
    fn now(&self) -> u64 {
        0
    }
    fn name() -> &'static str {
        "none"
    }
}

#[derive(static_call::Instance)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> u64 {
        7
    }
    fn name() -> &'static str {
        "stopped"
    }
}

#[test]
fn a_handle_has_guards() {
    let guard = StaticClock::scoped::<Stopped>().unwrap();
    assert_eq!((StaticClock.now(), StaticClock::name()), (7, "stopped"));
    drop(guard);
    assert_eq!((StaticClock.now(), StaticClock::name()), (0, "none"));
}

/// # Safety
///
/// 1. None. The trait is unsafe only so that switching it is.
#[static_call]
unsafe trait Careful {
    fn level() -> u32 {
        1
    }
}

struct Two;

// SAFETY: there is nothing to promise.
unsafe impl Careful for Two {
    fn level() -> u32 {
        2
    }
}

#[test]
fn an_unsafe_trait_requires_unsafe_once() {
    {
        // SAFETY: there is nothing to promise.
        let _guard = unsafe { StaticCareful::scoped::<Two>() }.unwrap();
        assert_eq!(StaticCareful::level(), 2);
    }
    assert_eq!(StaticCareful::level(), 1);
}

/// Each thread sees its own target while it holds the guard. Without waiting, threads would see
/// each other's.
#[test]
fn guards_of_other_threads_wait() {
    keys!(key other);
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    fn hold(guard: Result<Scoped, UpdateError>, expected: u32) {
        let guard = guard.unwrap();
        assert_eq!(INSIDE.fetch_add(1, Ordering::SeqCst), 0, "another guard is alive");
        for _ in 0..100 {
            assert_eq!(key(), expected);
            thread::yield_now();
        }
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        drop(guard);
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..50).for_each(|_| hold(key::scoped(|| 1), 1)));
            scope.spawn(|| (0..50).for_each(|_| hold(key::scoped(|| 2), 2)));
            scope.spawn(|| {
                for _ in 0..50 {
                    let both = static_call::scoped(|batch| {
                        batch.update(other::KEY, || 3)?;
                        batch.update(key::KEY, || 3)
                    });
                    hold(both, 3);
                }
            });
        }
    });
    assert_eq!((key(), other()), (0, 0));
}

#[test]
fn guards_of_other_keys_do_not_wait() {
    keys!(one two);
    let _one = one::scoped(|| 1).unwrap();
    thread::spawn(|| drop(two::scoped(|| 2).unwrap())).join().unwrap();
}

/// The second thread gets an error instead of waiting; it drops its guard, and the first goes on.
#[test]
fn threads_that_would_deadlock_get_an_error() {
    keys!(one two);
    let (holds, held) = mpsc::channel();
    let _one = one::scoped(|| 1).unwrap();
    let other = thread::spawn(move || {
        let two = two::scoped(|| 2).unwrap();
        holds.send(()).unwrap();
        let guard = one::scoped(|| 3);
        drop(two);
        guard.map(|_guard| one())
    });
    held.recv().unwrap();
    // Whichever waits second gets the error.
    let mine = two::scoped(|| 4);
    match mine {
        Err(error) => {
            assert_eq!(error, UpdateError::Deadlock { key: "two" });
            assert!(error.to_string().contains("`static_call::scoped`"), "{error}");
            drop(_one);
            assert_eq!(other.join().unwrap(), Ok(3));
        }
        Ok(guard) => {
            assert_eq!(two(), 4);
            assert_eq!(other.join().unwrap(), Err(UpdateError::Deadlock { key: "one" }));
            drop((guard, _one));
        }
    }
    assert_eq!((one(), two()), (0, 0));
}

#[test]
fn a_failed_update_releases_the_keys() {
    keys!(key other);
    let calls_itself = static_call::scoped(|batch| {
        batch.update(other::KEY, || 1)?;
        batch.update(key::KEY, key)
    });
    assert_eq!(calls_itself.unwrap_err(), UpdateError::CallsItself { key: "key" });
    assert_eq!((key(), other()), (0, 0));
    let cancelled = static_call::scoped(|_| Err(UpdateError::Cancelled));
    assert_eq!(cancelled.unwrap_err(), UpdateError::Cancelled);
    thread::spawn(|| drop((key::scoped(|| 2).unwrap(), other::scoped(|| 2).unwrap())));
}

#[test]
fn a_guard_that_cannot_restore_says_so_and_releases_the_key() {
    keys!(key);
    let guard = key::scoped(|| 1).unwrap();
    key::KEY.seal();
    let panic = panic::catch_unwind(AssertUnwindSafe(|| drop(guard))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("`key` is sealed"), "{message}");
    let on_another_thread = thread::spawn(|| key::scoped(|| 2).unwrap_err()).join().unwrap();
    assert_eq!(on_another_thread, UpdateError::Sealed { key: "key" });

    keys!(second);
    let guard = second::scoped(|| 1).unwrap();
    second::KEY.seal();
    assert_eq!(guard.restore().unwrap_err(), UpdateError::Sealed { key: "second" });
}

/// An observer that panics while a panic drops a guard does not end the process.
#[test]
fn an_observer_may_panic_during_a_panic() {
    keys!(fragile);
    static PANICS: AtomicBool = AtomicBool::new(false);
    fn tell(change: &Change) {
        assert!(change.key != "fragile" || !PANICS.load(Ordering::SeqCst), "told");
    }
    static OBSERVER: Observer = Observer::new(tell);
    OBSERVER.register();
    let first = panic::catch_unwind(|| {
        let _guard = fragile::scoped(|| 1).unwrap();
        PANICS.store(true, Ordering::SeqCst);
        panic!("first");
    });
    assert_eq!(first.unwrap_err().downcast_ref::<&str>(), Some(&"first"));
    // It panics when the guard is made, and again when that panic drops the guard.
    let told = panic::catch_unwind(|| fragile::scoped(|| 1));
    OBSERVER.unregister();
    assert!(told.is_err());
    assert_eq!(fragile(), 0, "the guards were dropped");
    thread::spawn(|| drop(fragile::scoped(|| 2).unwrap())).join().unwrap();
}

/// An observer may panic and may take guards, because no lock is held while it runs.
#[test]
fn observers_may_panic_and_take_guards() {
    keys!(watched nested);
    static PANICS: AtomicBool = AtomicBool::new(false);
    static SEEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    fn tell(change: &Change) {
        if change.key == "watched" {
            let _guard = nested::scoped(|| 5).unwrap();
            SEEN.lock().unwrap().push(nested());
            assert!(!PANICS.swap(false, Ordering::SeqCst), "on purpose");
        }
    }
    static OBSERVER: Observer = Observer::new(tell);
    OBSERVER.register();
    drop(watched::scoped(|| 1).unwrap());
    assert_eq!((&SEEN.lock().unwrap()[..], nested()), (&[5, 5][..], 0));
    PANICS.store(true, Ordering::SeqCst);
    let panicked = panic::catch_unwind(|| watched::scoped(|| 1));
    OBSERVER.unregister();
    assert!(panicked.is_err());
    assert_eq!(watched(), 0, "the guard was dropped");
    thread::spawn(|| drop(watched::scoped(|| 2).unwrap())).join().unwrap();
}
