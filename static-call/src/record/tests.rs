//! The choice of a default at the first call, and concurrent updates.

use core::any::TypeId;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::boxed::Box;
use std::sync::Barrier;
use std::thread;

use super::{KeyDescription, KeyRecord};
use crate::target::{Chosen, TargetRecord};

/// Distinct addresses for targets that are never called.
static CODE: [u8; 3] = [0; 3];

static CANDIDATE: TargetRecord = TargetRecord::new((&raw const CODE[1]).cast(), || "candidate");
static OTHER: TargetRecord = TargetRecord::new((&raw const CODE[2]).cast(), || "other");

fn key(choose: fn() -> &'static TargetRecord) -> &'static KeyRecord {
    let open = TargetRecord::new((&raw const CODE[0]).cast(), || "open").with_choice(choose);
    let open = Box::leak(Box::new(open));
    let description = KeyDescription {
        default: open,
        default_shim: open.address(),
        stub: ptr::null(),
        name: "key",
        module: "",
        file: "",
        signature: "",
        line: 0,
        column: 0,
        flags: 0,
        own_type: TypeId::of::<()>,
    };
    // SAFETY: the key is never called, and no trampoline has its stub (INV-KEY).
    Box::leak(Box::new(unsafe { KeyRecord::new(description) }))
}

/// Checks that both the slot and the current target are those of `target`.
#[track_caller]
fn assert_calls(key: &KeyRecord, target: &'static TargetRecord) {
    assert_eq!(key.entry().cast_const(), target.address());
    let current = key.current.load(Ordering::SeqCst).cast_const();
    assert!(ptr::eq(current, target), "calls {:?}", key.current());
}

#[test]
fn the_first_call_makes_the_choice() {
    let key = key(|| &CANDIDATE);
    assert!(key.target().is_default());
    assert_eq!(key.target().name(), "candidate");
    key.choose();
    assert_calls(key, &CANDIDATE);
    assert!(key.target().is_default());
    key.choose();
    assert_calls(key, &CANDIDATE);
}

#[test]
fn an_update_before_the_choice_is_written_wins() {
    use std::sync::OnceLock;
    static KEY: OnceLock<&'static KeyRecord> = OnceLock::new();
    static UPDATES: AtomicBool = AtomicBool::new(false);
    // The update comes after the choice is made and before it is written.
    let key = key(|| {
        if UPDATES.load(Ordering::SeqCst) {
            KEY.get().unwrap().publish(Chosen::new(&OTHER));
        }
        &CANDIDATE
    });
    KEY.set(key).unwrap();
    UPDATES.store(true, Ordering::SeqCst);
    key.choose();
    assert_calls(key, &OTHER);
    UPDATES.store(false, Ordering::SeqCst);
    // A first call that is late does not overwrite the update.
    key.choose();
    assert_calls(key, &OTHER);
    key.publish(key.default_target());
    assert_calls(key, &CANDIDATE);
}

#[test]
fn choices_and_an_update_at_the_same_time() {
    for _ in 0..if cfg!(miri) { 3 } else { 300 } {
        let key = key(|| &CANDIDATE);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    key.choose();
                    let slot = key.entry().cast_const();
                    assert!([&CANDIDATE, &OTHER].iter().any(|t| t.address() == slot));
                });
            }
            start.wait();
            key.publish(Chosen::new(&OTHER));
        });
        assert_calls(key, &OTHER);
    }
}
