//! Tests published crates to which the patches in `ecosystem` add static calls: runs their own
//! tests, compares the verifier with the matrix's oracles, and measures costs.

mod cost;
mod count;
mod given;
mod images;
mod labels;
mod source;
mod suite;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::run::{Result, root, scratch};
use cost::Costs;
use given::{CRATES, Given};
use images::Found;
use source::{Copy, Lines};
use suite::Build;

/// The results for a crate.
struct Outcome {
    given: &'static Given,
    lines: Lines,
    /// Tests that passed: in the original, in the patched crate, and in the patched crate without
    /// optimisation and documentation.
    original: usize,
    patched: usize,
    debug: usize,
    /// What was found in the test programs of both builds, and in the program that measures.
    release: Found,
    unoptimised: Found,
    bench: Found,
    costs: Costs,
}

/// Checks the crates named by `[NAME…] [--bless]`, or all of them.
pub(crate) fn ecosystem(args: &[String]) -> Result {
    let (options, names): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    if let Some(option) = options.iter().find(|option| **option != "--bless") {
        return Err(format!("unknown option `{option}`; the only one is --bless").into());
    }
    if let Some(name) = names.iter().find(|name| CRATES.iter().all(|c| c.name != ***name)) {
        let known: Vec<_> = CRATES.iter().map(|c| c.name).collect();
        return Err(format!("unknown crate `{name}`; known are {}", known.join(", ")).into());
    }
    if !options.is_empty() && !names.is_empty() {
        return Err("--bless writes the results of all crates; do not name any".into());
    }
    let dir = scratch("ecosystem");
    source::prepare(&dir)?;
    let (mut outcomes, mut failed) = (Vec::new(), Vec::new());
    for given in CRATES.iter().filter(|c| names.is_empty() || names.iter().any(|n| *n == c.name)) {
        match check(&dir, given) {
            Ok(outcome) => outcomes.push(outcome),
            Err(e) => {
                println!("{}: FAILED: {e}", given.name);
                failed.push(given.name);
            }
        }
    }
    println!(
        "\n{}\n{}\n{}",
        table::crates(&outcomes),
        table::images(&outcomes),
        table::costs(&outcomes)
    );
    if !failed.is_empty() {
        return Err(format!("{} crates failed: {}", failed.len(), failed.join(", ")).into());
    }
    if !options.is_empty() {
        fs::write(root().join("measurements/ecosystem.md"), table::document(&outcomes)?)?;
        // With this lock file the next run resolves the same versions.
        fs::copy(dir.join("patched/Cargo.lock"), source::kept().join("Cargo.lock"))?;
    }
    Ok(())
}

fn check(dir: &Path, given: &'static Given) -> Result<Outcome> {
    let start = Instant::now();
    let said =
        |what: &str| println!("{}: {what} ({:.0} s)", given.name, start.elapsed().as_secs_f64());

    let original = suite::run(dir, Copy::Original, given, Build::Plain)?;
    said(&format!("{} tests pass as published", original.tests));
    let patched = suite::run(dir, Copy::Patched, given, Build::Release)?;
    said(&format!("{} tests pass with static calls", patched.tests));
    if let Some(missing) = patched.missing(&original) {
        return Err(format!("the patch removes tests: {missing}").into());
    }
    let release = found(&patched.programs)?;
    let debug = suite::run(dir, Copy::Patched, given, Build::Debug)?;
    said(&format!("{} tests pass without optimisation", debug.tests));
    let unoptimised = found(&debug.programs)?;
    let costs = cost::measure(dir, given)?;
    let bench = images::check(&costs.program)?;
    said("the oracles agree, and the costs are measured");
    Ok(Outcome {
        given,
        lines: Lines::of(given)?,
        original: original.tests,
        patched: patched.tests,
        debug: debug.tests,
        release,
        unoptimised,
        bench,
        costs,
    })
}

/// Returns what is in all programs. One of them must have an inline call or a label.
fn found(programs: &[PathBuf]) -> Result<Found> {
    let mut sum = Found::default();
    for program in programs {
        sum += images::check(program)?;
    }
    if sum.inline + sum.labels == 0 {
        return Err(format!("no inline static calls: {sum:?}").into());
    }
    Ok(sum)
}
