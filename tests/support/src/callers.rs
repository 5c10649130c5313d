//! Threads that call while another updates.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Tells threads to end, also when a test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `call` in three threads, again and again, while this one runs `update`, with 1, 2, 3 and so
/// on: for a second and a half, and longer until both have run a hundred times.
pub fn call_while(call: impl Fn() + Sync, mut update: impl FnMut(u64)) {
    const OFTEN: u64 = 100;
    const LEAST: Duration = Duration::from_millis(1500);
    let (done, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let done = Done(&done);
        let callers = [(); 3].map(|()| {
            scope.spawn(|| {
                while !done.0.load(Ordering::Relaxed) {
                    call();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let (start, mut updates) = (Instant::now(), 0);
        while start.elapsed() < LEAST || updates < OFTEN || calls.load(Ordering::Relaxed) < OFTEN {
            assert!(!callers.iter().any(thread::ScopedJoinHandle::is_finished), "a caller failed");
            updates += 1;
            update(updates);
        }
    });
}

/// Returns a check that each result of `all`, in its place, is one that a target gives.
pub fn are_legal(all: fn() -> Vec<u64>, legal: Vec<Vec<u64>>) -> impl Fn() + Sync {
    move || {
        for (way, result) in all().into_iter().enumerate() {
            let is_legal = legal.iter().any(|results| results[way] == result);
            assert!(is_legal, "way {way} gave {result:#x}");
        }
    }
}
