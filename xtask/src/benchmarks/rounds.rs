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
    /// The name of a way in the program and in tables.
    pub(super) renamed: (&'static str, &'static str),
}

/// The samples of a way.
struct Samples {
    name: String,
    ns: Vec<f64>,
    ratios: Vec<f64>,
}

/// Measures a workload.
pub(super) fn workload(name: &str, asked: &mut [Asked<'_>], rounds: usize) -> Result<Workload> {
    eprintln!("measuring `{name}`");
    let mut all: Vec<Samples> = Vec::new();
    for _ in 0..rounds {
        for Asked { running, ways, renamed } in &mut *asked {
            let answer = running.round(name, ways)?;
            let first = answer.first().ok_or("a round without samples")?.1;
            for (way, ns) in answer {
                let name = if way == renamed.0 { renamed.1.to_owned() } else { way };
                let at = all.iter().position(|samples| samples.name == name);
                let at = at.unwrap_or_else(|| {
                    all.push(Samples { name, ns: Vec::new(), ratios: Vec::new() });
                    all.len() - 1
                });
                all[at].ns.push(ns);
                all[at].ratios.push(ns / first);
            }
        }
    }
    let row = |samples: Samples| {
        Some(Row {
            name: samples.name,
            ns: Spread::of(samples.ns)?,
            ratio: Spread::of(samples.ratios)?,
        })
    };
    let rows = all.into_iter().map(row).collect::<Option<_>>().ok_or("no rounds")?;
    Ok(Workload { name: name.to_owned(), rows })
}
