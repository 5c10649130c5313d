//! Runs the experiment: memory, a thread that executes, and a thread that stores.

use core::hint::spin_loop;
use core::ptr::with_exposed_provenance_mut;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use crate::arch::native::store::{exchange_displacement, exchange_quadword, overwrite};
use crate::arch::x86_64::probe::{Patch, Program};
use crate::experiment::{Counts, Experiment, Pace, Unavailable, Way};
use crate::patching::probe::steps::Steps;
use crate::sys::probe::{Place, open, release, reserve, stay};

mod steps;
#[cfg(test)]
mod tests;

/// Executions between two readings of the clock. They take about as long as a few stores of a paced
/// writer.
const CHUNK: u64 = 4096;
/// Time from one change of a paced writer to the next, by one store and in steps. A barrier takes
/// microseconds.
const PAUSE: Duration = Duration::from_micros(2);
const PAUSE_OF_STEPS: Duration = Duration::from_micros(20);
const PAGE: u64 = crate::sys::PAGE as u64;

/// Runs an experiment with an instruction at `offset` in its page.
pub(crate) fn run(
    experiment: &Experiment,
    offset: u64,
    time: Duration,
) -> Result<Counts, Unavailable> {
    let pause = match (experiment.pace, experiment.way) {
        (Pace::Hammering, _) => Duration::ZERO,
        (Pace::Paced, Way::OneStore) => PAUSE,
        (Pace::Paced, Way::Steps(_) | Way::StepsWithoutBarriers(_)) => PAUSE_OF_STEPS,
    };
    Bench::new(experiment, offset)?.run(pause, time)
}

/// Code in memory of its own, ready to run.
#[derive(Debug)]
struct Bench {
    /// INV-PROBE: start of a mapping of its own of `length` bytes.
    address: usize,
    length: usize,
    program: Program,
    change: Change,
}

/// How the writer changes the instruction into one of its two forms.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an experiment has one")]
enum Change {
    /// By one store.
    Store(Store),
    /// In steps, across a boundary.
    Steps(Steps),
}

/// A way to store one of two values into the instruction.
#[derive(Clone, Copy, Debug)]
enum Store {
    /// Locked, inside an aligned quadword, as in the runtime.
    Exchange(Patch),
    /// Plain, across a boundary, which the runtime never does.
    Plain { address: usize, values: [u32; 2] },
}

/// The writer's count, on a cache line of its own.
#[repr(align(128))]
struct Writes(AtomicU64);

impl Bench {
    /// Generates the code for an instruction at `offset` in its page.
    fn new(experiment: &Experiment, offset: u64) -> Result<Self, Unavailable> {
        let refused = |errno| Unavailable::Memory { errno };
        // The layout of the pieces depends only on the offset.
        let (low, high) = span(experiment, offset);
        let length = (low + high) as usize;
        let address = reserve(length).map_err(refused)?;
        let (program, change) = program(experiment, address as u64 + low + offset);
        let bench = Self { address, length, program, change };
        for (&at, bytes) in &bench.program.pieces {
            bench.place(at, bytes).map_err(refused)?;
        }
        Ok(bench)
    }

    /// Writes a piece of the program into pages that it opens.
    fn place(&self, at: u64, bytes: &[u8]) -> Result<(), i32> {
        let first = at / PAGE * PAGE;
        let last = (at + bytes.len() as u64 - 1) / PAGE * PAGE;
        assert!(
            first >= self.address as u64 && last + PAGE <= (self.address + self.length) as u64,
            "{at:#x} is outside the mapping"
        );
        // SAFETY: INV-PROBE: these are whole pages of the mapping, as checked above.
        unsafe { open(first as usize, (last + PAGE - first) as usize) }?;
        let to: *mut u8 = with_exposed_provenance_mut(at as usize);
        // SAFETY: INV-PROBE: the piece lies in pages that are open now, and no thread runs yet.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Runs both threads for about `time`.
    fn run(&self, pause: Duration, time: Duration) -> Result<Counts, Unavailable> {
        if let Change::Steps(steps) = &self.change {
            steps.prepare()?;
        }
        let stop = AtomicBool::new(false);
        let writes = Writes(AtomicU64::new(0));
        thread::scope(|scope| {
            let writer = thread::Builder::new()
                .spawn_scoped(scope, || self.write(pause, &stop, &writes.0))
                .map_err(|_| Unavailable::Thread)?;
            let caller = thread::Builder::new().spawn_scoped(scope, || self.call(time, &writes.0));
            // If the caller could not start or panicked, the writer must not keep running.
            let counts = caller
                .map_err(|_| Unavailable::Thread)
                .and_then(|caller| caller.join().map_err(|_| Unavailable::Thread));
            stop.store(true, Relaxed);
            let written = writer.join().map_err(|_| Unavailable::Thread)?;
            let counts = counts?;
            written?;
            Ok(Counts { writes: writes.0.load(Relaxed), ..counts })
        })
    }

    fn call(&self, time: Duration, writes: &AtomicU64) -> Counts {
        stay(Place::First);
        let start = Instant::now();
        let mut counts = Counts::default();
        while start.elapsed() < time {
            let before = writes.load(Relaxed);
            let [first, second, veneers] = self.execute();
            // Executions while the writer slept are not counted: they would only make the bound
            // look better.
            if writes.load(Relaxed) != before {
                counts.calls += CHUNK;
                counts.veneers += veneers;
                counts.torn += CHUNK - first - second - veneers;
            }
        }
        counts
    }

    /// Executes the instruction [`CHUNK`] times; returns how often it was the first form, how often
    /// the second, and how often it led to a veneer.
    fn execute(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        let entry: *mut () = with_exposed_provenance_mut(self.program.entry as usize);
        // SAFETY: INV-PROBE: the entry is the address of a function of this type.
        let entry = unsafe {
            core::mem::transmute::<*mut (), unsafe extern "C" fn(u64, *mut [u64; 3])>(entry)
        };
        // SAFETY: INV-PROBE: every mixture of the stored bytes leads back to the function, which
        // writes to `counts` and returns.
        unsafe { entry(CHUNK, &raw mut counts) };
        counts
    }

    fn write(
        &self,
        pause: Duration,
        stop: &AtomicBool,
        writes: &AtomicU64,
    ) -> Result<(), Unavailable> {
        stay(Place::Last);
        let mut is_second = true;
        let mut next = Instant::now();
        while !stop.load(Relaxed) {
            if !pause.is_zero() {
                next += pause;
                // Changes that were missed while the thread did not run are not made up for.
                next = next.max(Instant::now());
                while Instant::now() < next {
                    spin_loop();
                }
            }
            match &self.change {
                Change::Store(store) if self.store(*store, is_second) => count(writes),
                Change::Store(_) => {}
                Change::Steps(steps) => self.make_steps(steps, is_second, writes)?,
            }
            is_second = !is_second;
        }
        Ok(())
    }

    /// Makes one store. An exchange returns whether the other form was there; a plain store returns
    /// true.
    fn store(&self, store: Store, is_second: bool) -> bool {
        match store {
            Store::Exchange(Patch::Displacement { address, first, second }) => {
                let (old, new) = if is_second { (first, second) } else { (second, first) };
                // SAFETY: INV-PROBE, INV-STORE: the displacement is in an open page and inside one
                // quadword, since its grade is `quad` or `disp`.
                unsafe { exchange_displacement(address as usize, old, new) }
            }
            Store::Exchange(Patch::Quadword { address, first, second }) => {
                let (old, new) = if is_second { (first, second) } else { (second, first) };
                // SAFETY: INV-PROBE, INV-STORE: this is an aligned quadword in an open page.
                unsafe { exchange_quadword(address as usize, old, new) }
            }
            Store::Plain { address, values } => {
                // SAFETY: INV-PROBE: these are four bytes of the loop, in open pages.
                unsafe { overwrite(address, values[usize::from(is_second)]) };
                true
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // SAFETY: INV-PROBE: this is the bench's mapping, and `run` joined both threads.
        unsafe { release(self.address, self.length) };
    }
}

/// Counts a store. Only the writer counts.
fn count(writes: &AtomicU64) {
    writes.store(writes.load(Relaxed) + 1, Relaxed);
}

/// Returns the code of an experiment with its instruction at `site`, and how the writer changes it.
fn program(experiment: &Experiment, site: u64) -> (Program, Change) {
    let has_barriers = matches!(experiment.way, Way::Steps(_));
    if experiment.way != Way::OneStore {
        let steps = Steps::plan(site, has_barriers);
        return (Program::in_steps(site, &steps.between()), Change::Steps(steps));
    }
    let program = Program::new(experiment.change, site);
    let store = match program.patch {
        Patch::Displacement { address, first, second } if !experiment.is_default() => {
            Store::Plain { address: address as usize, values: [first, second] }
        }
        patch => Store::Exchange(patch),
    };
    (program, Change::Store(store))
}

/// Returns the bytes of whole pages that the code needs before the start of the instruction's page,
/// and from there on.
fn span(experiment: &Experiment, offset: u64) -> (u64, u64) {
    const START: u64 = 1 << 40;
    let (program, _) = program(experiment, START + offset);
    let low = program.pieces.keys().next().map_or(0, |&low| START.saturating_sub(low));
    let high = program.pieces.iter().map(|(at, bytes)| at + bytes.len() as u64).max();
    let high = high.map_or(0, |high| high.saturating_sub(START));
    (low.next_multiple_of(PAGE), high.next_multiple_of(PAGE))
}
