//! Checksums on all cores while the target is switched.

use std::hint;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use static_call::{Barrier, UpdateError, call};

use crate::checksum::{Checksum, Implementation, StaticChecksum, last_answer, oracle};

/// How many times the main thread switches.
pub(crate) const SWITCHES: usize = 3_000;

/// A chunk of the input and its checksum by the oracle.
pub(crate) struct Chunk<'a> {
    data: &'a [u8],
    expected: u32,
}

impl<'a> Chunk<'a> {
    /// Cuts `data` into chunks of `size` bytes and computes their checksums by the oracle.
    pub(crate) fn cut(data: &'a [u8], size: usize) -> Vec<Self> {
        data.chunks(size).map(|data| Chunk { data, expected: oracle(data) }).collect()
    }
}

/// Returns the number of cores that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What happened.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Threads that called.
    pub(crate) workers: usize,
    /// Calls answered by each implementation.
    pub(crate) answered: Vec<u64>,
    /// Results that differ from the oracle's.
    pub(crate) wrong: u64,
    /// Calls that reached a target that an update had replaced before they began.
    pub(crate) stale: u64,
    /// Time of each update, from call to return.
    pub(crate) updates: Vec<Duration>,
    /// Updates whose barrier did not run, so that other threads may have seen them late.
    pub(crate) without_barrier: u64,
    /// Why switching stopped early.
    pub(crate) error: Option<UpdateError>,
}

impl Outcome {
    /// Returns the number of all calls.
    pub(crate) fn calls(&self) -> u64 {
        self.answered.iter().sum()
    }

    /// Returns whether every call did what it should.
    pub(crate) fn is_right(&self) -> bool {
        let stale = self.stale > 0 && self.without_barrier == 0;
        self.wrong == 0 && !stale && self.error.is_none()
    }
}

/// What the threads share. Update number `n` (from 1) switches to implementation `n % count`.
struct Progress {
    /// Number of the last update that has started.
    started: AtomicUsize,
    /// Number of the last update that has returned.
    returned: AtomicUsize,
    calls: AtomicU64,
    stop: AtomicBool,
}

/// What one worker counts.
struct Tally {
    answered: Vec<u64>,
    wrong: u64,
    stale: u64,
}

/// Makes every core checksum `chunks` over and over while this thread switches the target.
pub(crate) fn run(chunks: &[Chunk<'_>], implementations: &[Implementation]) -> Outcome {
    let workers = cores();
    let progress = Progress {
        started: AtomicUsize::new(0),
        returned: AtomicUsize::new(0),
        calls: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|w| {
                let first = chunks.len() * w / workers;
                let progress = &progress;
                scope.spawn(move || {
                    work(&StaticChecksum, chunks, first, implementations.len(), progress)
                })
            })
            .collect();
        let mut outcome =
            Outcome { workers, answered: vec![0; implementations.len()], ..Outcome::default() };
        switch(&chunks[0], implementations, &progress, &mut outcome);
        progress.stop.store(true, Ordering::Relaxed);
        for thread in threads {
            let tally = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome.wrong += tally.wrong;
            outcome.stale += tally.stale;
            for (sum, n) in outcome.answered.iter_mut().zip(tally.answered) {
                *sum += n;
            }
        }
        outcome
    })
}

/// Runs the main thread's part: switches to the next implementation, again and again.
fn switch(
    chunk: &Chunk<'_>,
    implementations: &[Implementation],
    progress: &Progress,
    outcome: &mut Outcome,
) {
    for number in 1..=SWITCHES {
        let next = number % implementations.len();
        progress.started.store(number, Ordering::SeqCst);
        let begin = Instant::now();
        let result = (implementations[next].switch_to)();
        outcome.updates.push(begin.elapsed());
        progress.returned.store(number, Ordering::SeqCst);
        match result {
            Ok(update) if matches!(update.barrier, Barrier::Missing(_)) => {
                outcome.without_barrier += 1;
            }
            Ok(_) => {}
            Err(error) => {
                outcome.error = Some(error);
                return;
            }
        }
        // The same call as its own site, which the report lists with this line.
        let sum = call!(StaticChecksum::checksum(&StaticChecksum, chunk.data));
        outcome.answered[last_answer()] += 1;
        outcome.wrong += u64::from(sum != chunk.expected);
        outcome.stale += u64::from(last_answer() != next);

        wait_for_a_call(&progress.calls);
    }
}

/// Waits until some worker has made a call. Otherwise, with few cores, the main thread could make
/// all its switches while no worker runs. It yields only after a while, because it may not run
/// again for milliseconds.
fn wait_for_a_call(calls: &AtomicU64) {
    let seen = calls.load(Ordering::Relaxed);
    let begin = Instant::now();
    while calls.load(Ordering::Relaxed) == seen {
        if begin.elapsed() > Duration::from_micros(100) {
            thread::yield_now();
        }
        hint::spin_loop();
    }
}

/// Runs a worker's part: checksums every chunk in turn until told to stop. Generic code accepts the
/// handle like any other implementation.
fn work(
    by: &impl Checksum,
    chunks: &[Chunk<'_>],
    first: usize,
    implementations: usize,
    progress: &Progress,
) -> Tally {
    let mut tally = Tally { answered: vec![0; implementations], wrong: 0, stale: 0 };
    for chunk in chunks.iter().cycle().skip(first) {
        let returned = progress.returned.load(Ordering::SeqCst);
        let sum = by.checksum(chunk.data);
        let started = progress.started.load(Ordering::SeqCst);

        let answer = last_answer();
        tally.answered[answer] += 1;
        tally.wrong += u64::from(sum != chunk.expected);
        // The call began after update `returned` and ended before any update after `started`.
        tally.stale += u64::from(!(returned..=started).any(|n| n % implementations == answer));
        progress.calls.fetch_add(1, Ordering::Relaxed);
        if progress.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    tally
}
