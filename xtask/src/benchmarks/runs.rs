//! Builds a program in the ways that its runs need, and measures all runs in turn.

use std::path::PathBuf;

use super::fresh_files::Pages;
use super::program::{self, Build, Running};
use super::programs::Program;
use super::results::{Described, Section};
use super::rounds::{Asked, Measured};
use super::{Options, ROUNDS_OF_A_START};
use crate::run::Result;

/// How a program runs, and what it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Its name in tables.
    pub(super) name: &'static str,
    /// Names of ways in the program, and what tables call them in this run.
    pub(super) renamed: &'static [(&'static str, &'static str)],
    pub(super) build: Build,
    pub(super) pages: Pages,
    /// The shortest path that static calls may take.
    pub(super) cap: &'static str,
    pub(super) arguments: &'static [&'static str],
    /// The ways to measure, where a workload has them; all if there are none.
    pub(super) ways: &'static [&'static str],
    /// The ways whose mean others are compared with, where a workload has them; the first if there
    /// are none.
    pub(super) base: &'static [&'static str],
}

impl Run {
    /// A program as users build and run it, of which all ways are measured.
    pub(super) const PLAIN: Self = Self {
        name: "as users build",
        renamed: &[],
        build: Build::Plain,
        pages: Pages::Scattered,
        cap: "inline",
        arguments: &[],
        ways: &[],
        base: &[],
    };
}

/// Measures a program that has a section to itself. Returns the section, without targets.
pub(super) fn section(
    title: &'static str,
    program: &Program,
    runs: &[Run],
    options: &Options,
) -> Result<Section> {
    let (mut section, mut measured) = (Section::new(title), Measured::default());
    measure(program, runs, options, &mut section, &mut measured)?;
    section.workloads = measured.workloads()?;
    Ok(section)
}

/// Measures a program, if any of its workloads is wanted. Returns each way of building it, and the
/// file.
pub(super) fn measure(
    program: &Program,
    runs: &[Run],
    options: &Options,
    section: &mut Section,
    measured: &mut Measured,
) -> Result<Vec<(Build, PathBuf)>> {
    let wanted = program.wanted(options);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let name = program.name;
    let mut built: Vec<(Build, PathBuf)> = Vec::new();
    for run in runs {
        if !built.iter().any(|(build, _)| *build == run.build) {
            built.push((run.build, program::build(name, run.build)?));
        }
    }
    let path = |build: Build| built.iter().find(|(b, _)| *b == build).map(|(_, path)| path);
    // The same code is faster or slower by where the system puts its pages.
    for start in 0..options.starts() {
        eprintln!("measuring `{name}`, start {} of {}", start + 1, options.starts());
        let mut running = Vec::new();
        for run in runs {
            let path = path(run.build).ok_or("a program was not built")?;
            let child = Running::start(path, run.pages, run.arguments, run.cap)?;
            program.check(child.workloads.iter().map(|(name, _)| name.as_str()))?;
            if start == 0 {
                let says = child.description.clone();
                section.programs.push(Described { program: name, name: run.name, says });
            }
            running.push(child);
        }
        for workload in &wanted {
            let ask = |(run, running): (&Run, _)| Asked {
                running,
                ways: run.ways,
                base: run.base,
                renamed: run.renamed,
            };
            let mut asked: Vec<_> = runs.iter().zip(&mut running).map(ask).collect();
            let first = start * ROUNDS_OF_A_START;
            let rounds = first..options.rounds.min(first + ROUNDS_OF_A_START);
            measured.add(workload, &mut asked, rounds)?;
        }
        running.into_iter().try_for_each(Running::end)?;
    }
    Ok(built)
}
