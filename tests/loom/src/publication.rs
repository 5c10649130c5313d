//! Threads call a key while others update it, or while its first call chooses its default.

use std::ptr::{null_mut, without_provenance_mut};
use std::sync::Arc;

use loom::thread;

use crate::published::{ON, Published};
use crate::sync::{AtomicPtr, AtomicU8, AtomicU64, Ordering};

/// Addresses of records of targets, and of their shims.
const CHOSEN: usize = 0x10;
const OTHER: usize = 0x20;
const FIRST_SHIM: usize = 0x100;
const CHOSEN_SHIM: usize = 0x110;
const OTHER_SHIM: usize = 0x120;

/// The fields of a key, and what an update's caller wrote before.
struct Key {
    slot: AtomicPtr<()>,
    current: AtomicPtr<()>,
    state: AtomicU8,
    data: AtomicU64,
}

impl Key {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            slot: AtomicPtr::new(at(FIRST_SHIM)),
            current: AtomicPtr::new(null_mut()),
            state: AtomicU8::new(0),
            data: AtomicU64::new(0),
        })
    }

    fn published(&self) -> Published<'_> {
        Published { slot: &self.slot, current: &self.current, state: &self.state }
    }

    fn set_other(&self) {
        self.published().set(at(OTHER), at(OTHER_SHIM), true);
    }

    fn choose(&self) {
        self.published().choose(at(FIRST_SHIM), at(CHOSEN), at(CHOSEN_SHIM));
    }

    /// A caller that finds the key on finds its target, and what was written before the update.
    fn assert_seen(&self) {
        if self.published().is_on() {
            assert_eq!(self.published().entry(), at(OTHER_SHIM), "on without its target");
            assert_eq!(self.data.load(Ordering::Relaxed), 1, "what came before is not visible");
        }
        if self.published().entry() == at(OTHER_SHIM) {
            assert_eq!(self.data.load(Ordering::Relaxed), 1, "what came before is not visible");
            assert_eq!(self.published().current(), at(OTHER), "the slot came first");
        }
    }
}

fn at(address: usize) -> *mut () {
    without_provenance_mut(address)
}

/// Runs `update` in a thread, after it has written data, and `call` in two others.
fn check(update: fn(&Key), call: impl Fn(&Key) + Copy + Send + Sync + 'static, end: fn(&Key)) {
    loom::model(move || {
        let key = Key::new();
        let callers = [(); 2].map(|()| {
            let key = key.clone();
            thread::spawn(move || call(&key))
        });
        key.data.store(1, Ordering::Relaxed);
        update(&key);
        for caller in callers {
            caller.join().unwrap();
        }
        end(&key);
    });
}

#[test]
fn on_comes_after_the_slot_and_the_slot_after_the_target() {
    check(Key::set_other, Key::assert_seen, |key| {
        assert!(key.published().is_on());
    });
}

/// Control: the state is stored first.
#[test]
#[should_panic(expected = "on without its target")]
fn a_state_before_the_slot_is_noticed() {
    check(
        |key| {
            key.state.fetch_or(ON, Ordering::Release);
            key.set_other();
        },
        Key::assert_seen,
        |_| {},
    );
}

/// Control: stores that order nothing.
#[test]
#[should_panic(expected = "what came before is not visible")]
fn a_missing_order_is_noticed() {
    check(
        |key| {
            key.current.store(at(OTHER), Ordering::Relaxed);
            key.slot.store(at(OTHER_SHIM), Ordering::Relaxed);
        },
        Key::assert_seen,
        |_| {},
    );
}

/// Two first calls choose while an update runs: afterwards the slot never holds the resolver again.
/// (That the update wins is tested with real threads: loom lets a load return a value that a later
/// store has replaced, if a compare-exchange came between the two.)
#[test]
fn a_choice_is_made_or_an_update_wins() {
    check(Key::set_other, |key| assert_chosen(key, Key::choose), |_| {});
}

/// Control: a choice that does not reach the slot.
#[test]
#[should_panic(expected = "the choice is not made")]
fn a_choice_without_the_slot_is_noticed() {
    let choose = |key: &Key| {
        let (current, order) = (&key.current, Ordering::AcqRel);
        let _ = current.compare_exchange(null_mut(), at(CHOSEN), order, Ordering::Relaxed);
    };
    check(Key::set_other, move |key| assert_chosen(key, choose), |_| {});
}

fn assert_chosen(key: &Key, choose: fn(&Key)) {
    choose(key);
    let entry = key.published().entry();
    assert!([at(CHOSEN_SHIM), at(OTHER_SHIM)].contains(&entry), "the choice is not made");
}
