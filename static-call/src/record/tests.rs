//! The choice of a default at the first call, and concurrent updates.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::boxed::Box;
use std::sync::Barrier;
use std::thread;
use std::vec::Vec;

use super::{KeyDescription, KeyRecord};
use crate::target::{Chosen, PointerCell, TargetDescription, TargetRecord};

/// Distinct addresses for targets that are never called.
static CODE: [u8; 3] = [0; 3];

static CANDIDATE: TargetRecord = TargetRecord::new(|d| {
    d.at((&raw const CODE[1]).cast()).named("candidate");
});
static OTHER: TargetRecord = TargetRecord::new(|d| {
    d.at((&raw const CODE[2]).cast()).named("other");
});

/// Makes a key whose default is described by this function.
fn key(describe: fn(&mut TargetDescription)) -> &'static KeyRecord {
    with_flags(describe, 0)
}

fn with_flags(describe: fn(&mut TargetDescription), flags: u8) -> &'static KeyRecord {
    let plain = KeyDescription::uncalled(describe, (&raw const CODE[0]).cast());
    let description = KeyDescription { flags, ..plain };
    // SAFETY: the key is never called, and no trampoline has its stub (INV-KEY).
    Box::leak(Box::new(unsafe { KeyRecord::new(description) }))
}

/// Describes the choice of a candidate.
fn chooses(description: &mut TargetDescription) {
    open(description).with_choice(|| CANDIDATE);
}

fn open(description: &mut TargetDescription) -> &mut TargetDescription {
    description.at((&raw const CODE[0]).cast()).named("open")
}

/// Checks that both the slot and the current target are those of `target`.
#[track_caller]
fn assert_calls(key: &'static KeyRecord, target: TargetRecord) {
    assert_eq!(key.entry().cast_const(), target.address());
    let current = key.current.load(Ordering::SeqCst);
    assert!(ptr::eq(current, target.as_pointer()), "calls {:?}", key.current());
}

#[test]
fn the_first_call_makes_the_choice() {
    let key = key(chooses);
    assert!(key.target().is_default());
    assert_eq!(key.target().name(), "candidate");
    key.choose();
    assert_calls(key, CANDIDATE);
    assert!(key.target().is_default());
    key.choose();
    assert_calls(key, CANDIDATE);
}

#[test]
fn an_update_before_the_choice_is_written_wins() {
    use std::sync::OnceLock;
    static KEY: OnceLock<&'static KeyRecord> = OnceLock::new();
    static UPDATES: AtomicBool = AtomicBool::new(false);
    // The update comes after the choice is made and before it is written.
    let key = key(|description| {
        open(description).with_choice(|| {
            if UPDATES.load(Ordering::SeqCst) {
                KEY.get().unwrap().publish(Chosen::new(OTHER));
            }
            CANDIDATE
        });
    });
    KEY.set(key).unwrap();
    UPDATES.store(true, Ordering::SeqCst);
    key.choose();
    assert_calls(key, OTHER);
    UPDATES.store(false, Ordering::SeqCst);
    // A first call that is late does not overwrite the update.
    key.choose();
    assert_calls(key, OTHER);
    key.publish(key.default_target());
    assert_calls(key, CANDIDATE);
}

#[test]
fn choices_and_an_update_at_the_same_time() {
    for _ in 0..if cfg!(miri) { 3 } else { 300 } {
        let key = key(chooses);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    key.choose();
                    let slot = key.entry().cast_const();
                    assert!([CANDIDATE, OTHER].iter().any(|t| t.address() == slot));
                });
            }
            start.wait();
            key.publish(Chosen::new(OTHER));
        });
        assert_calls(key, OTHER);
    }
}

/// A call that goes through the new slot must find the pointer in the cell.
#[test]
fn the_cell_is_filled_before_the_slot_changes() {
    use std::sync::OnceLock;
    static CELL: PointerCell = PointerCell::new();
    static KEY: OnceLock<&'static KeyRecord> = OnceLock::new();
    static IS_LATE: AtomicBool = AtomicBool::new(false);
    static POINTER: TargetRecord = TargetRecord::new(|description| {
        if KEY.get().is_some_and(|key| key.entry().cast_const() == (&raw const CODE[2]).cast()) {
            IS_LATE.fetch_or(CELL.load().is_null(), Ordering::SeqCst);
        }
        description.at((&raw const CODE[2]).cast()).named("pointer").with_cell(&CELL);
    });
    let key = key(|description| {
        open(description);
    });
    KEY.set(key).unwrap();
    key.publish(Chosen::pointer(POINTER, (&raw const CODE[1]).cast()));
    assert_eq!(key.entry().cast_const(), POINTER.address());
    assert!(!CELL.load().is_null());
    assert!(!IS_LATE.load(Ordering::SeqCst));
}

/// Whoever finds a hook on finds its target in the slot.
#[test]
fn a_hook_is_on_after_its_slot_has_the_target() {
    let keys: Vec<_> = (0..if cfg!(miri) { 3 } else { 3000 })
        .map(|_| {
            let default = |description: &mut TargetDescription| {
                open(description);
            };
            with_flags(default, KeyRecord::HAS_NO_BODY)
        })
        .collect();
    let watched = AtomicUsize::new(0);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            for key in &keys {
                watched.fetch_add(1, Ordering::SeqCst);
                while !key.is_on() {
                    core::hint::spin_loop();
                }
                assert_eq!(key.entry().cast_const(), OTHER.address());
            }
        });
        for (i, key) in keys.iter().enumerate() {
            // The other thread looks at this key now.
            while watched.load(Ordering::SeqCst) <= i && !watcher.is_finished() {
                thread::yield_now();
            }
            key.publish(Chosen::new(OTHER));
        }
    });
}
