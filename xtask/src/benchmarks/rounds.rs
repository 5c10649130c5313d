//! Rounds: each asks every running program for one sample of each way.

use super::program::Running;
use super::results::{Row, Workload};
use crate::run::Result;
use crate::spread::Spread;

/// A running program, and what it is asked for.
pub(super) struct Asked<'a> {
    pub(super) running: &'a mut Running,
    /// The ways; all if there are none. The first one is what others are compared with.
    pub(super) ways: &'static [&'static str],
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
pub(super) struct Measured(Vec<(String, Vec<Samples>)>);

impl Measured {
    /// Adds rounds of a workload.
    pub(super) fn add(&mut self, name: &str, asked: &mut [Asked<'_>], rounds: usize) -> Result {
        let at = self.0.iter().position(|(workload, _)| workload == name);
        let at = at.unwrap_or_else(|| {
            self.0.push((name.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        for _ in 0..rounds {
            for Asked { running, ways, renamed } in &mut *asked {
                let answer = running.round(name, ways)?;
                let first = answer.first().ok_or("a round without samples")?.1;
                for (way, ns) in answer {
                    let other = renamed.iter().find(|(name, _)| *name == way);
                    let name = other.map_or(way, |(_, name)| (*name).to_owned());
                    let samples = of(&mut self.0[at].1, name);
                    samples.ns.push(ns);
                    samples.ratios.push(ns / first);
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
        let workload = |(name, all): (String, Vec<Samples>)| {
            Some(Workload { name, rows: all.into_iter().map(row).collect::<Option<_>>()? })
        };
        Ok(self.0.into_iter().map(workload).collect::<Option<_>>().ok_or("no samples")?)
    }
}

/// Returns the samples of the way of this name.
fn of(all: &mut Vec<Samples>, name: String) -> &mut Samples {
    let at = all.iter().position(|samples| samples.name == name);
    let at = at.unwrap_or_else(|| {
        all.push(Samples { name, ns: Vec::new(), ratios: Vec::new() });
        all.len() - 1
    });
    &mut all[at]
}
