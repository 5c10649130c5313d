//! Receivers: every method runs with the instance of its own implementation, even during switches.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{call, static_call};

/// The code and the instance with which a method ran.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    code: u64,
    instance: u64,
    address: usize,
}

#[static_call]
trait Engine {
    fn look(&self) -> Seen;
    fn look_at(&self, large: [u64; 6]) -> (Seen, u64);
    fn count(&self) -> u64;
}

/// An implementation. All have the same layout, so that a mix-up is detected and does not crash.
#[repr(C)]
struct Tagged<const TAG: u64> {
    tag: u64,
    calls: AtomicU64,
}

impl<const TAG: u64> Tagged<TAG> {
    const fn new() -> Self {
        Self { tag: TAG, calls: AtomicU64::new(0) }
    }
}

impl<const TAG: u64> Engine for Tagged<TAG> {
    fn look(&self) -> Seen {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Seen { code: TAG, instance: black_box(self).tag, address: &raw const *self as usize }
    }

    fn look_at(&self, large: [u64; 6]) -> (Seen, u64) {
        (self.look(), large.iter().sum::<u64>() + TAG)
    }

    fn count(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

static ONE: Tagged<1> = Tagged::new();
static TWO: Tagged<2> = Tagged::new();
static THREE: Tagged<3> = Tagged::new();
static_call::instance!(ONE: Tagged<1>);
static_call::instance!(TWO: Tagged<2>);
static_call::instance!(THREE: Tagged<3>);

/// Panics unless code and instance belong together. Returns which they are.
fn check(seen: Seen) -> u64 {
    let addresses = [&raw const ONE as usize, &raw const TWO as usize, &raw const THREE as usize];
    assert_eq!(seen.code, seen.instance, "code of one, instance of another");
    assert_eq!(seen.address, addresses[seen.code as usize - 1]);
    seen.code
}

fn generic<E: Engine>(engine: &E) -> Seen {
    engine.look()
}

#[test]
fn no_method_runs_with_the_instance_of_another() {
    StaticEngine::update::<Tagged<1>>().unwrap();
    let done = AtomicBool::new(false);
    let met: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
    thread::scope(|scope| {
        let mut callers = Vec::new();
        for _ in 0..3 {
            let caller = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for seen in [
                        StaticEngine.look(),
                        call!(StaticEngine::look(&StaticEngine)),
                        generic(&StaticEngine),
                    ] {
                        met[check(seen) as usize - 1].fetch_add(1, Ordering::Relaxed);
                    }
                    let (seen, sum) = StaticEngine.look_at([1; 6]);
                    assert_eq!(sum, 6 + check(seen));
                }
            });
            callers.push(caller);
        }
        let end = EndOnDrop(&done);
        for round in 0..150 {
            match round % 3 {
                0 => StaticEngine::update::<Tagged<2>>(),
                1 => StaticEngine::update::<Tagged<3>>(),
                _ => StaticEngine::update::<Tagged<1>>(),
            }
            .unwrap();
            // The calling thread is past its own update.
            let now = (round + 1) % 3;
            assert_eq!(check(StaticEngine.look()), now + 1);
            // Waits until the callers have seen it, unless one has failed.
            let start = met[now as usize].load(Ordering::Relaxed);
            while met[now as usize].load(Ordering::Relaxed) < start + 10
                && !callers.iter().any(thread::ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
        }
        drop(end);
    });
    assert!(StaticEngine.count() > 0);
}

/// Ends the callers even if the updating thread fails.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
