//! Published crates that are given static calls by the patches in `ecosystem`: their own tests, the
//! verifier against the oracles of the matrix, and what it costs.

mod cost;
mod given;
mod images;
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

/// What a crate came to.
struct Outcome {
    given: &'static Given,
    lines: Lines,
    /// Tests that passed: of the original, of the patched crate, and of that without optimisation
    /// and documentation.
    original: usize,
    patched: usize,
    debug: usize,
    /// In the programs that hold the tests, in both builds, and in the one that measures.
    release: Found,
    unoptimised: Found,
    bench: Found,
    costs: Costs,
}

/// `[NAME…] [--bless]`: all crates, if none is named.
pub(crate) fn ecosystem(args: &[String]) -> Result {
    let (options, names): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    if let Some(option) = options.iter().find(|option| **option != "--bless") {
        return Err(format!("`{option}` is not --bless").into());
    }
    if let Some(name) = names.iter().find(|name| CRATES.iter().all(|c| c.name != ***name)) {
        let known: Vec<_> = CRATES.iter().map(|c| c.name).collect();
        return Err(format!("`{name}` is none of {}", known.join(", ")).into());
    }
    if !options.is_empty() && !names.is_empty() {
        return Err("--bless writes the results of all crates: name none".into());
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
        // Without what stands in it of this workspace, the next run resolves the same versions.
        fs::copy(dir.join("patched/Cargo.lock"), source::kept().join("Cargo.lock"))?;
    }
    Ok(())
}

fn check(dir: &Path, given: &'static Given) -> Result<Outcome> {
    let start = Instant::now();
    let patch = fs::read_to_string(source::patch(given))?;
    let said =
        |what: &str| println!("{}: {what} ({:.0} s)", given.name, start.elapsed().as_secs_f64());

    let original = suite::run(dir, Copy::Original, given, Build::Plain)?;
    said(&format!("{} tests pass as published", original.tests));
    let patched = suite::run(dir, Copy::Patched, given, Build::Release)?;
    said(&format!("{} tests pass with static calls", patched.tests));
    if let Some(missing) = patched.missing(&original) {
        return Err(format!("the patch leaves out tests: {missing}").into());
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
        lines: Lines::of(&patch),
        original: original.tests,
        patched: patched.tests,
        debug: debug.tests,
        release,
        unoptimised,
        bench,
        costs,
    })
}

/// What is in all of them; somewhere there must be a call or a label.
fn found(programs: &[PathBuf]) -> Result<Found> {
    let mut sum = Found::default();
    for program in programs {
        sum += images::check(program)?;
    }
    if sum.calls == 0 || sum.inline + sum.labels == 0 {
        return Err(format!("no static calls that are inline: {sum:?}").into());
    }
    Ok(sum)
}
