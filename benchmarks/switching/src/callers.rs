//! Threads that call while others update.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Runs `body` while a thread on each other core calls `pass` again and again.
pub(crate) fn with_callers<R>(pass: fn(u64) -> u64, body: impl FnOnce() -> R) -> R {
    let others = thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1));
    let (stop, ready) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..others {
            scope.spawn(|| {
                let mut x = pass(1);
                ready.fetch_add(1, Ordering::Relaxed);
                while !stop.load(Ordering::Relaxed) {
                    x = black_box(pass(x));
                }
            });
        }
        while ready.load(Ordering::Relaxed) < others {
            thread::yield_now();
        }
        let result = body();
        stop.store(true, Ordering::Relaxed);
        result
    })
}
