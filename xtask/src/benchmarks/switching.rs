//! The program `switching`: what an update takes, and what threads that call notice of it.

use std::path::Path;
use std::process::Command;

use super::Options;
use super::program::Build;
use super::programs::SWITCHING;
use super::results::Section;
use super::rounds::Measured;
use super::runs::{Run, measure};
use super::targets::Target;
use crate::run::Result;

/// Ways, as the program names them.
const STATIC: &str = "static call";
const BATCH: &str = "one batch";
const EACH: &str = "one by one";
const QUIET: &str = "no updates";
/// The static calls of both runs.
const IN_STEPS: &str = "static call, in steps";
const ONE_STORE: &str = "static call, one store each";

/// How the program runs. The first run measures the other ways, too.
const RUNS: [Run; 2] = [
    Run { name: "in steps", renamed: &[(STATIC, IN_STEPS)], ..Run::PLAIN },
    Run {
        name: "one store each",
        renamed: &[(STATIC, ONE_STORE), (BATCH, "one batch, one store each")],
        build: Build::Flags,
        ways: &[QUIET, STATIC, BATCH],
        ..Run::PLAIN
    },
];

/// Batches of the two runs whose system calls are counted.
const BATCHES: [u32; 2] = [2, 12];

/// Measures the program.
pub(super) fn section(options: &Options) -> Result<Section> {
    let mut section = Section::new("An update");
    let mut measured = Measured::default();
    for (build, path) in measure(&SWITCHING, &RUNS, options, &mut section, &mut measured)? {
        let calls = system_calls(&path)?;
        let run = RUNS.iter().position(|run| run.build == build);
        if let Some(said) = run.and_then(|run| section.programs.get_mut(run)) {
            said.says.push(("system calls of a batch".to_owned(), calls));
        }
    }
    section.workloads = measured.workloads()?;
    section.targets = targets(&section);
    Ok(section)
}

/// Returns how many system calls a batch makes, as `strace` counts them, or `-` without it.
fn system_calls(program: &Path) -> Result<String> {
    let count = |batches: u32| -> Result<Option<f64>> {
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-S", "calls", "-U", "calls,name"]).arg(program);
        command.args(["batches", &batches.to_string()]).env("STATIC_CALL", "inline");
        let Ok(done) = command.output() else { return Ok(None) };
        if !done.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&done.stderr);
        let total = text.lines().find(|line| line.trim_end().ends_with(" total"));
        Ok(total.and_then(|line| line.split_whitespace().next()?.parse().ok()))
    };
    let counts = count(BATCHES[0])?.zip(count(BATCHES[1])?);
    let of_one = counts.map(|(few, more)| (more - few) / f64::from(BATCHES[1] - BATCHES[0]));
    Ok(of_one.map_or_else(|| "-".to_owned(), |calls| format!("{calls:.0}")))
}

/// Returns the targets for a batch.
fn targets(section: &Section) -> Vec<Target> {
    /// How many times faster a batch is than its updates one by one, at least.
    const FASTER: f64 = 100.0;
    /// Milliseconds for a batch of 100,000 calls, at most.
    const MOST: f64 = 10.0;
    let mut targets = Vec::new();
    for workload in section.workloads.iter().filter(|w| w.name.ends_with("idle")) {
        let name = &workload.name;
        if let Some(row) = workload.row(EACH) {
            targets.push(Target {
                what: format!("{name}; {BATCH} at least {FASTER} times as fast as {EACH}"),
                measured: format!("{:.0}", row.ratio.median),
                met: row.ratio.median >= FASTER,
            });
        }
        for way in [IN_STEPS, ONE_STORE].into_iter().filter(|_| name.contains("100000 calls")) {
            if let Some(row) = workload.row(way) {
                let what = format!("{name}; {way}, milliseconds");
                targets.push(Target::at_most(what, row.ns.median / 1e6, MOST));
            }
        }
    }
    targets
}
