//! The program `calls`: a call, in every way to make one that can be switched.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::program::{self, Build, Running};
use super::results::{Described, Section};
use super::rounds::{Asked, Measured};
use super::{Options, ROUNDS_OF_A_START, code, targets};
use crate::run::Result;

/// The way that other ways are compared with.
pub(super) const DIRECT: &str = "direct call";
/// The way whose path differs between runs.
const STATIC: &str = "static call";

/// How the program runs: how it is built, the cap on paths, and its arguments.
struct Run {
    /// The name of its static calls in tables.
    name: &'static str,
    build: Build,
    cap: &'static str,
    arguments: &'static [&'static str],
}

/// The first of them measures the other ways, too.
const RUNS: [Run; 6] = [
    Run { name: INLINE, build: Build::Plain, cap: "inline", arguments: &[] },
    Run { name: SWITCHED, build: Build::Plain, cap: "inline", arguments: &["switched"] },
    Run { name: ONE_STORE, build: Build::Flags, cap: "inline", arguments: &[] },
    Run { name: BOUND, build: Build::Bound, cap: "inline", arguments: &[] },
    Run { name: "static call, trampoline", build: Build::Plain, cap: "trampoline", arguments: &[] },
    Run { name: "static call, indirect", build: Build::Plain, cap: "indirect", arguments: &[] },
];

pub(super) const INLINE: &str = "static call, inline";
pub(super) const SWITCHED: &str = "static call, inline, switched";
pub(super) const ONE_STORE: &str = "static call, inline, aligned by flags";
pub(super) const BOUND: &str = "static call, bound at link time";

/// Measures the program.
pub(super) fn section(options: &Options) -> Result<Section> {
    let mut built: Vec<(Build, PathBuf)> = Vec::new();
    for run in &RUNS {
        if !built.iter().any(|(build, _)| *build == run.build) {
            built.push((run.build, program::build("calls", run.build)?));
        }
    }
    let mut code = BTreeMap::new();
    for (build, path) in &built {
        let read = code::read(path)?;
        code::check(&read).map_err(|e| format!("{build:?}: {e}"))?;
        if *build == Build::Plain {
            code = read;
        }
    }
    let path = |build: Build| built.iter().find(|(b, _)| *b == build).map(|(_, path)| path);
    let (mut measured, mut programs) = (Measured::default(), Vec::new());
    // The same code is faster or slower by where the system puts its pages.
    for start in 0..options.starts() {
        eprintln!("measuring calls, start {} of {}", start + 1, options.starts());
        let mut running = Vec::new();
        for run in &RUNS {
            let path = path(run.build).ok_or("a program was not built")?;
            running.push(Running::start(path, run.arguments, run.cap)?);
        }
        let described = |(run, child): (&Run, &Running)| Described {
            name: run.name,
            says: child.description.clone(),
        };
        programs = RUNS.iter().zip(&running).map(described).collect();
        let names = running[0].workloads.clone();
        for name in names.iter().filter(|name| options.wants(name)) {
            let ask = |(n, (run, running)): (usize, (&Run, _))| Asked {
                running,
                ways: if n == 0 { &[] } else { &[DIRECT, STATIC] },
                renamed: (STATIC, run.name),
            };
            let mut asked: Vec<_> = RUNS.iter().zip(&mut running).enumerate().map(ask).collect();
            measured.add(name, &mut asked, ROUNDS_OF_A_START)?;
        }
        running.into_iter().try_for_each(Running::end)?;
    }
    let workloads = measured.workloads()?;
    let targets = workloads.iter().flat_map(targets::of_calls).collect();
    let code = code.into_iter().map(|((grid, way), code)| (grid, way, code)).collect();
    Ok(Section { title: "A call", programs, workloads, code, targets })
}
