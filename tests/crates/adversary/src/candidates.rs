//! Candidates that are constants, whose type has a destructor that updates.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use static_call::{UpdateError, static_call};

struct Candidate;

static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl Deref for Candidate {
    type Target = fn(u8) -> u8;

    fn deref(&self) -> &fn(u8) -> u8 {
        &(double as fn(u8) -> u8)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        // An update under the lock is an error, and the panic would unwind through the registry.
        other::update(|n| n + 1).expect("the lock is free");
    }
}

const CANDIDATE: Candidate = Candidate;

fn double(n: u8) -> u8 {
    n * 2
}

#[static_call(select(sse2 => CANDIDATE, neon => CANDIDATE))]
fn chosen(n: u8) -> u8 {
    n
}

#[static_call]
fn other(n: u8) -> u8 {
    n
}

pub fn check() {
    let dropped = || DROPPED.load(Ordering::Relaxed);
    let query = chosen::query();
    let name = query.name();
    // Operations that query the type of every target and of every key.
    other::update(|n| n + 2).unwrap();
    chosen::update(|n| n + 3).unwrap();
    chosen::reset().unwrap();
    assert!(static_call::report().to_string().contains("candidates::chosen"));
    assert!(name.ends_with("Candidate"), "{name}");
    assert_eq!(dropped(), 0, "a candidate was evaluated without a call");
    // A call evaluates it and drops the value, on its own thread and without the lock.
    assert_eq!((chosen(4), dropped(), other(1)), (8, 1, 2));
    let _: Result<_, UpdateError> = chosen::reset();
}
