//! Answers the parent.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use crate::neighbour::{Neighbour, stay_on_one_core};
use crate::sample::Workload;

/// What a program tells the parent before it measures: names and values.
pub type Description = Vec<(&'static str, String)>;

/// The cores that a program runs on.
#[derive(Clone, Copy, PartialEq)]
pub enum Cores {
    /// One, so that no other core has its caches.
    One,
    /// All that the process may use.
    All,
}

/// Returns a program's exit code, and prints why it failed, if it did.
pub fn exit(program: &str, done: io::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs as a measured program. First prints lines that describe it, each a name, a tab and a
/// value; the lines named `workload` list what it can do, each a workload and its ways, with tabs
/// between them; the last line is `ready`. Then it reads requests, a line each: the name of a
/// workload, and the names of ways in the order to measure them, with tabs between them. It answers
/// each with a line for every way, a name, a tab and nanoseconds for an operation, and an empty
/// line.
///
/// `prepare` makes the workloads after the process was bound to its cores.
///
/// # Errors
///
/// Input or output failed, `prepare` did, ways disagree about a result, or there is no such
/// workload or way.
pub fn serve(
    cores: Cores,
    prepare: impl FnOnce() -> io::Result<(Vec<Workload>, Description)>,
) -> io::Result<()> {
    Neighbour::live_if_asked();
    if cores == Cores::One {
        stay_on_one_core()?;
    }
    let (mut workloads, description) = prepare()?;
    let mut out = io::stdout().lock();
    for (name, value) in description {
        writeln!(out, "{name}\t{value}")?;
    }
    for workload in &workloads {
        writeln!(out, "workload\t{}\t{}", workload.name, workload.names().join("\t"))?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split('\t');
        let name = words.next().unwrap_or_default();
        let ways: Vec<_> = words.collect();
        let found = workloads.iter_mut().find(|workload| workload.name == name);
        let workload = found.ok_or_else(|| io::Error::other(format!("no workload `{name}`")))?;
        for (name, ns) in workload.round(&ways).map_err(io::Error::other)? {
            writeln!(out, "{name}\t{ns}")?;
        }
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}
