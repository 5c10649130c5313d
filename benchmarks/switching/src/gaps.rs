//! What a thread sees that calls while another updates: the gaps between two looks at the clock.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use measure::{Sample, Way, Workload};

use crate::generated::SINGLE;
use crate::updates::{Pass, Switch, of_running_threads};

/// How long a thread looks at the clock for a sample.
const WINDOW: Duration = Duration::from_millis(100);
/// Calls of the key that is updated.
const CALLS: u64 = 10;

/// Runs calls and reads the clock after each pass, while another thread does `other` until it is
/// told to stop. Returns all gaps in ascending order, in nanoseconds.
fn gaps(pass: Pass, other: impl FnOnce(&AtomicBool) + Send) -> Vec<u64> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| other(&stop));
        let mut gaps = Vec::with_capacity(4 << 20);
        let start = Instant::now();
        let mut last = start;
        while last - start < WINDOW && gaps.len() < gaps.capacity() {
            black_box(pass(1));
            let now = Instant::now();
            gaps.push(u64::try_from((now - last).as_nanos()).unwrap_or(u64::MAX));
            last = now;
        }
        stop.store(true, Ordering::Relaxed);
        gaps.sort_unstable();
        gaps
    })
}

/// Updates without a pause.
fn update(switch: Switch, stop: &AtomicBool) {
    let mut on = false;
    while !stop.load(Ordering::Relaxed) || on {
        on = !on;
        if let Err(error) = switch(on) {
            panic!("an update failed: {error}");
        }
    }
}

/// Keeps the other core as busy, without an update.
fn spin(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        spin_loop();
    }
}

/// Returns the workloads: the longest gap, and the 99.99 % quantile.
pub(crate) fn workloads() -> Vec<Workload> {
    let quantiles: [(_, fn(&[u64]) -> Option<&u64>); 2] = [
        ("the longest gap that a calling thread sees", |gaps| gaps.last()),
        ("the gap that 99.99 % are below", |gaps| gaps.get(gaps.len() / 10_000 * 9999)),
    ];
    quantiles
        .map(|(name, quantile)| {
            let ways = SINGLE.iter().filter(|single| single.calls == CALLS);
            let mut all = Vec::new();
            for &(name, switch, pass) in ways.flat_map(|single| of_running_threads(single.ways)) {
                if all.is_empty() {
                    all.push(way("no updates", quantile, move || gaps(pass, spin)));
                }
                all.push(way(name, quantile, move || gaps(pass, |stop| update(switch, stop))));
            }
            Workload::new(name, all)
        })
        .into()
}

fn way(
    name: &'static str,
    quantile: fn(&[u64]) -> Option<&u64>,
    sample: impl Fn() -> Vec<u64> + 'static,
) -> Way {
    Way::new(name, move || {
        let gaps = sample();
        Sample { ns: quantile(&gaps).map_or(0.0, |&ns| ns as f64), result: 0 }
    })
}
