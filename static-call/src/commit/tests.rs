//! No update comes after a seal.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::boxed::Box;
use std::sync::OnceLock;
use std::thread;

use crate::lock;
use crate::record::{KeyDescription, KeyRecord};
use crate::request::Request;
use crate::target::{TargetDescription, TargetRecord};

/// Distinct addresses for targets that are never called.
static CODE: [u8; 3] = [0; 3];
static FIRST: TargetRecord = TargetRecord::new(|d| {
    d.at((&raw const CODE[1]).cast()).named("first");
});
static SECOND: TargetRecord = TargetRecord::new(|d| {
    d.at((&raw const CODE[2]).cast()).named("second");
});

static KEY: OnceLock<&'static KeyRecord> = OnceLock::new();
static SEALS: AtomicBool = AtomicBool::new(false);
static IS_SEALED: AtomicBool = AtomicBool::new(false);
static SEALED_WITH: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Makes the choice of the key's default, which an update does under the lock. Meanwhile another
/// thread seals the key; when this returns, that thread is done or waits for the lock.
fn in_the_middle() -> TargetRecord {
    if SEALS.swap(false, Ordering::SeqCst) {
        let _ = thread::spawn(|| {
            let key = *KEY.get().expect("set before the update");
            super::seal_keys([key]);
            SEALED_WITH.store(key.entry(), Ordering::SeqCst);
            IS_SEALED.store(true, Ordering::SeqCst);
        });
        while !IS_SEALED.load(Ordering::SeqCst) && !lock::is_waited_for() {
            thread::yield_now();
        }
    }
    FIRST
}

#[test]
fn what_a_sealed_key_calls_is_final() {
    let key = leaked(|d| {
        d.at((&raw const CODE[0]).cast()).named("open").with_choice(in_the_middle);
    });
    KEY.set(key).expect("once");
    SEALS.store(true, Ordering::SeqCst);
    // SAFETY: INV-SHIM: the key is never called.
    super::commit_one(unsafe { Request::new(key, SECOND) }).expect("it began before the seal");
    assert!(!SEALS.load(Ordering::SeqCst), "the seal came in the middle of the update");
    while !IS_SEALED.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    assert_eq!(key.entry(), SEALED_WITH.load(Ordering::SeqCst), "changed after it was sealed");
    assert!(key.is_sealed());
}

/// Keys are sealed under the lock, so that no update is in the middle then.
#[test]
fn no_update_begins_before_keys_are_sealed() {
    let key = leaked(|d| {
        d.at((&raw const CODE[0]).cast()).named("default");
    });
    // When the keys are asked for, this thread holds the lock: it cannot take it again.
    super::seal_keys(core::iter::once_with(|| {
        assert!(lock::lock().is_err());
        key
    }));
    assert!(key.is_sealed());
    assert!(lock::lock().is_ok());
}

fn leaked(describe: fn(&mut TargetDescription)) -> &'static KeyRecord {
    let description = KeyDescription::uncalled(describe, (&raw const CODE[0]).cast());
    // SAFETY: the key is never called, and no trampoline has its stub (INV-KEY).
    Box::leak(Box::new(unsafe { KeyRecord::new(description) }))
}
