//! Single updates and batches.

use std::hint::black_box;
use std::time::Instant;

use measure::{Sample, Way, Workload};
use static_call::UpdateError;

use crate::callers::with_callers;
use crate::generated::{KEYS, SINGLE, keys};

/// Switches a key on or off.
pub(crate) type Switch = fn(bool) -> Result<(), UpdateError>;
/// Executes all calls of a key.
pub(crate) type Pass = fn(u64) -> u64;

/// A way to switch a key: its name, the switch, and all calls.
pub(crate) type SingleWay = (&'static str, Switch, Pass);

/// A key, in each way, and its calls.
pub(crate) struct Single {
    pub(crate) calls: u64,
    pub(crate) ways: &'static [SingleWay],
}

/// Returns how many updates a sample has: an even number, so that all end as they began.
fn updates(calls: u64) -> usize {
    if calls > 10_000 { 4 } else { 40 }
}

/// Returns the median time of an update, in nanoseconds. The updating core executes the calls in
/// between if `calls` says so.
fn median(switch: Switch, pass: Option<Pass>, updates: usize) -> f64 {
    let mut times: Vec<_> = (0..updates)
        .map(|n| {
            let start = Instant::now();
            let updated = switch(n % 2 == 0);
            let took = start.elapsed().as_secs_f64() * 1e9;
            if let Err(error) = updated {
                panic!("an update failed: {error}");
            }
            if let Some(pass) = pass {
                black_box(pass(1));
            }
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[updates / 2]
}

/// Returns the ways that may be switched while other threads run: not `static-keys`, and not
/// `static-key` 0.1 either. It runs no barrier between the stores of a jump that crosses a
/// quadword, so a thread can fetch a mixture. It has ended this program with a fault, at the
/// address to which the jump leads whose displacement is half old and half new.
pub(crate) fn of_running_threads(ways: &[SingleWay]) -> impl Iterator<Item = &SingleWay> {
    ways.iter().filter(|(name, ..)| *name == "static call")
}

/// Returns the workloads.
pub(crate) fn workloads() -> Vec<Workload> {
    let mut workloads = Vec::new();
    for Single { calls, ways } in SINGLE {
        let updates = updates(*calls);
        let name = if *calls == 1 {
            "a key with 1 call".to_owned()
        } else {
            format!("a key with {calls} calls")
        };
        let idle = ways.iter().map(|&(name, switch, _)| {
            Way::new(name, move || Sample { ns: median(switch, None, updates), result: 0 })
        });
        workloads.push(Workload::new(format!("{name}, idle"), idle));
        let busy = of_running_threads(ways);
        let busy = busy.map(|&(name, switch, pass)| {
            Way::new(name, move || {
                let ns = with_callers(pass, || median(switch, Some(pass), updates));
                Sample { ns, result: 0 }
            })
        });
        workloads.push(Workload::new(format!("{name}, every core executes them"), busy));
    }
    let keys = format!("{KEYS} keys with a call each");
    workloads.push(Workload::new(format!("{keys}, idle"), of_many(|body| body())));
    let busy = of_many(|body| with_callers(keys::pass, body));
    workloads.push(Workload::new(format!("{keys}, every core executes them"), busy));
    workloads
}

/// Switches all keys as one.
pub(crate) fn batch(on: bool) -> Result<(), UpdateError> {
    static_call::batch(if on { keys::add } else { keys::take }).map(drop)
}

/// Switches all keys, each by an update of its own.
fn one_by_one(on: bool) -> Result<(), UpdateError> {
    if on { keys::update() } else { keys::reset() }
}

/// Returns the ways to switch many keys. Times are for a key.
fn of_many(around: impl Fn(&mut dyn FnMut()) + Copy + 'static) -> [Way; 2] {
    let ways: [(_, Switch); 2] = [("one batch", batch), ("one by one", one_by_one)];
    ways.map(|(name, switch)| {
        Way::new(name, move || {
            let mut ns = 0.0;
            around(&mut || ns = median(switch, None, 2) / KEYS as f64);
            Sample { ns, result: 0 }
        })
    })
}
