//! Workloads, the ways to do their work, and samples of them.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::{Memory, Neighbour};

/// A sample of hot code takes at least this long, so that reading the clock costs nothing.
const LEAST: Duration = Duration::from_micros(300);
/// Requests in a sample of cold code.
const REQUESTS: u64 = 5;
/// At least as many as there are different requests.
const DIFFERENT: u64 = 16;

/// What one sample of one way gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Nanoseconds for an operation.
    pub ns: f64,
    /// What the work computed. All ways of a workload must agree.
    pub result: u64,
}

/// A way to do the work of a workload.
pub struct Way {
    pub(crate) name: &'static str,
    pub(crate) sample: Box<dyn FnMut() -> Sample>,
}

impl Way {
    /// Returns a way whose samples are what `sample` returns.
    pub fn new(name: &'static str, sample: impl FnMut() -> Sample + 'static) -> Self {
        Self { name, sample: Box::new(sample) }
    }

    /// Returns a way that takes its samples from passes over hot code. A pass does `operations`
    /// operations; from an argument it computes a result.
    pub fn hot(name: &'static str, operations: u64, pass: fn(u64) -> u64) -> Self {
        let mut passes = 0;
        Self::new(name, move || {
            if passes == 0 {
                passes = calibrated(pass);
            }
            let start = Instant::now();
            for _ in 0..passes {
                black_box(pass(black_box(1)));
            }
            let took = start.elapsed();
            Sample { ns: nanoseconds(took, passes * operations), result: check(pass) }
        })
    }

    /// Returns a way that takes its samples from requests to cold code: `before` makes caches or
    /// predictors cold, then a request does `operations` operations. The number of the request is
    /// its first argument; requests of different numbers execute different code.
    pub fn cold(
        name: &'static str,
        operations: u64,
        before: Rc<RefCell<dyn Cold>>,
        request: fn(u64, u64) -> u64,
    ) -> Self {
        let mut number = 0;
        Self::new(name, move || {
            if number == 0 {
                // The first execution maps pages.
                for number in 0..DIFFERENT {
                    black_box(request(number, 1));
                }
            }
            let (mut took, mut result) = (Duration::ZERO, 0);
            for _ in 0..REQUESTS {
                before.borrow_mut().make_cold();
                let start = Instant::now();
                black_box(request(black_box(number), black_box(1)));
                took += start.elapsed();
                number += 1;
            }
            for number in 0..REQUESTS {
                result ^= request(number, 1) ^ request(number, 2);
            }
            Sample { ns: nanoseconds(took, REQUESTS * operations), result }
        })
    }
}

/// What makes caches or predictors cold.
pub trait Cold {
    /// Makes them cold.
    fn make_cold(&mut self);
}

impl Cold for Memory {
    fn make_cold(&mut self) {
        self.touch();
    }
}

impl Cold for Neighbour {
    fn make_cold(&mut self) {
        self.run();
    }
}

/// Returns how many passes take long enough.
fn calibrated(pass: fn(u64) -> u64) -> u64 {
    let mut passes = 1;
    loop {
        let start = Instant::now();
        for _ in 0..passes {
            black_box(pass(black_box(1)));
        }
        if start.elapsed() >= LEAST {
            return passes;
        }
        passes *= 2;
    }
}

/// Returns what all ways must agree about. Each way's functions differ in a constant that they
/// exclusive-or into their argument, so that the compiler cannot merge them. Their work is linear,
/// so these constants cancel out here, and rotations do not.
fn check(pass: fn(u64) -> u64) -> u64 {
    pass(1) ^ pass(2)
}

fn nanoseconds(took: Duration, operations: u64) -> f64 {
    took.as_secs_f64() * 1e9 / operations as f64
}

/// Something to do, and the ways to do it. The first is what the others are compared with.
pub struct Workload {
    pub(crate) name: String,
    pub(crate) ways: Vec<Way>,
}

impl Workload {
    /// Returns a workload.
    pub fn new(name: impl Into<String>, ways: impl IntoIterator<Item = Way>) -> Self {
        Self { name: name.into(), ways: ways.into_iter().collect() }
    }

    /// Returns the names of its ways.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.ways.iter().map(|way| way.name).collect()
    }

    /// Takes one sample of each of these ways, in this order.
    pub(crate) fn round(&mut self, names: &[&str]) -> Result<Vec<(&'static str, f64)>, String> {
        let mut samples: Vec<(&'static str, Sample)> = Vec::new();
        for name in names {
            let way = self.ways.iter_mut().find(|way| way.name == *name);
            let way = way.ok_or_else(|| format!("no way `{name}` in `{}`", self.name))?;
            samples.push((way.name, (way.sample)()));
        }
        let Some(&(first, Sample { result: expected, .. })) = samples.first() else {
            return Ok(Vec::new());
        };
        if let Some((name, sample)) = samples.iter().find(|(_, s)| s.result != expected) {
            return Err(format!(
                "`{name}` of `{}` gives {:#x}, and `{first}` gives {expected:#x}",
                self.name, sample.result
            ));
        }
        Ok(samples.into_iter().map(|(name, sample)| (name, sample.ns)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::{Sample, Way, Workload};

    fn way(name: &'static str, result: u64) -> Way {
        Way::new(name, move || Sample { ns: 1.0, result })
    }

    #[test]
    fn ways_that_disagree_are_named() {
        let mut right = Workload::new("w", [way("a", 1), way("b", 1)]);
        assert_eq!(right.round(&["b"]).unwrap(), [("b", 1.0)]);
        assert!(right.round(&["c"]).unwrap_err().contains("`c` in `w`"));
        let mut wrong = Workload::new("w", [way("a", 1), way("b", 2)]);
        assert!(wrong.round(&["a", "b"]).unwrap_err().contains("`b` of `w`"));
    }

    #[test]
    fn ways_are_measured_in_the_order_asked_for() {
        let next = Rc::new(RefCell::new(0.0));
        let counting = |name| {
            let next = next.clone();
            Way::new(name, move || {
                *next.borrow_mut() += 1.0;
                Sample { ns: *next.borrow(), result: 0 }
            })
        };
        let mut workload = Workload::new("w", ["a", "b", "c"].map(counting));
        assert_eq!(workload.names(), ["a", "b", "c"]);
        assert_eq!(workload.round(&["c", "a"]).unwrap(), [("c", 1.0), ("a", 2.0)]);
    }

    #[test]
    fn hot_passes_are_timed() {
        let mut hot = Way::hot("a", 2, |x| x.rotate_left(3) ^ 5);
        let sample = (hot.sample)();
        assert!(sample.ns > 0.0);
        assert_eq!(sample.result, 1_u64.rotate_left(3) ^ 2_u64.rotate_left(3));
    }
}
