//! Rounds: each asks every running program for one sample of each way.

use std::ops::Range;

use super::order::shuffled;
use super::program::Running;
use super::results::{Row, Workload};
use crate::generate::Random;
use crate::run::Result;
use crate::spread::Spread;

/// A running program, and what it is asked for.
pub(super) struct Asked<'a> {
    pub(super) running: &'a mut Running,
    /// The ways, where the workload has them; all if there are none.
    pub(super) ways: &'static [&'static str],
    /// The ways that others are compared with, as [`base`] says.
    pub(super) base: &'static [&'static str],
    /// Names of ways in the program and in tables.
    pub(super) renamed: &'static [(&'static str, &'static str)],
}

/// The samples of a way.
struct Samples {
    name: String,
    ns: Vec<f64>,
    ratios: Vec<f64>,
}

/// The samples of all workloads.
#[derive(Default)]
pub(super) struct Measured(Vec<OfWorkload>);

/// The samples of a workload.
struct OfWorkload {
    name: String,
    base: Vec<String>,
    ways: Vec<Samples>,
}

impl Measured {
    /// Adds the rounds of these numbers for a workload. Each round has its own order of programs
    /// and of ways, since each way leaves caches, predictors and a frequency to the next.
    pub(super) fn add(
        &mut self,
        name: &str,
        asked: &mut [Asked<'_>],
        rounds: Range<usize>,
    ) -> Result {
        let at = self.0.iter().position(|workload| workload.name == name);
        let at = at.unwrap_or_else(|| {
            self.0.push(OfWorkload { name: name.to_owned(), base: Vec::new(), ways: Vec::new() });
            self.0.len() - 1
        });
        let of_workload = &mut self.0[at];
        let all = &mut of_workload.ways;
        // Rows are in the order of the programs and of their ways.
        let mut wanted = Vec::new();
        for Asked { running, ways, base, renamed } in &*asked {
            let ways = wanted_ways(running.ways(name)?, ways);
            for way in &ways {
                of(all, renamed_to(renamed, way));
            }
            of_workload.base = self::base(&ways, base);
            wanted.push(ways);
        }
        for round in rounds {
            let mut random = Random(round as u64);
            for at in shuffled((0..asked.len()).collect(), &mut random) {
                let Asked { running, renamed, .. } = &mut asked[at];
                let order = shuffled(wanted[at].clone(), &mut random);
                let answer = running.round(name, &order)?;
                let is_base = |(way, _): &&(String, f64)| of_workload.base.contains(way);
                let base: Vec<_> = answer.iter().filter(is_base).map(|(_, ns)| ns).collect();
                let mean = base.iter().copied().sum::<f64>() / base.len() as f64;
                for (way, ns) in &answer {
                    let samples = of(all, renamed_to(renamed, way));
                    samples.ns.push(*ns);
                    samples.ratios.push(ns / mean);
                }
            }
        }
        Ok(())
    }

    /// Returns a row for each way of each workload.
    pub(super) fn workloads(self) -> Result<Vec<Workload>> {
        let row = |samples: Samples| {
            Some(Row {
                name: samples.name,
                ns: Spread::of(samples.ns)?,
                ratio: Spread::of(samples.ratios)?,
            })
        };
        let workload = |OfWorkload { name, base, ways }| {
            let rows = ways.into_iter().map(row).collect::<Option<_>>()?;
            Some(Workload { name, base, rows })
        };
        Ok(self.0.into_iter().map(workload).collect::<Option<_>>().ok_or("no samples")?)
    }
}

/// Returns the samples of the way of this name.
fn of<'a>(all: &'a mut Vec<Samples>, name: &str) -> &'a mut Samples {
    let at = all.iter().position(|samples| samples.name == name);
    let at = at.unwrap_or_else(|| {
        all.push(Samples { name: name.to_owned(), ns: Vec::new(), ratios: Vec::new() });
        all.len() - 1
    });
    &mut all[at]
}

/// Returns those of a workload's ways that are wanted: all, if none is named.
fn wanted_ways(all: &[String], wanted: &[&str]) -> Vec<String> {
    let is_wanted = |way: &&String| wanted.is_empty() || wanted.contains(&&***way);
    all.iter().filter(is_wanted).cloned().collect()
}

/// Returns the ways whose mean the ways of a workload are compared with: those of `wanted` that it
/// has, or its first.
fn base(ways: &[String], wanted: &[&str]) -> Vec<String> {
    let found: Vec<_> = ways.iter().filter(|way| wanted.contains(&&***way)).cloned().collect();
    if found.is_empty() { ways.first().into_iter().cloned().collect() } else { found }
}

/// Returns what tables call a way.
fn renamed_to<'a>(renamed: &[(&str, &'a str)], way: &'a str) -> &'a str {
    renamed.iter().find(|(name, _)| *name == way).map_or(way, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{base, wanted_ways};

    #[test]
    fn ways_are_chosen_in_the_order_of_the_workload() {
        let all = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(wanted_ways(&all, &[]), ["a", "b", "c"]);
        assert_eq!(wanted_ways(&all, &["c", "a", "other"]), ["a", "c"]);
    }

    #[test]
    fn ways_are_compared_with_both_copies_or_with_the_first() {
        let all = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(base(&all, &["a", "c"]), ["a", "c"]);
        assert_eq!(base(&all, &["a", "other"]), ["a"]);
        assert_eq!(base(&all, &[]), ["a"]);
    }
}
