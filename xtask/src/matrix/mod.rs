//! The matrix: builds a generated program in every way of compiling and linking, compares the
//! verifier with three oracles, and runs it on all cores while a thread retargets at random.

mod build;
mod cell;
mod compare;
mod coverage;
pub(crate) mod oracles;

use std::path::Path;
use std::process::Command;

use crate::generate;
use crate::run::{Result, output, root, scratch};
use cell::Cell;
pub(crate) use cell::workspace_flags;

/// Seed of the generated program.
const SEED: u64 = 20;

/// The task's options.
struct Options {
    /// Seconds that the program runs in a cell.
    seconds: f64,
    /// Seconds in the ordinary cell.
    ordinary_seconds: f64,
    /// Run only the cell of this name, or else those whose names contain this.
    filter: String,
    bless: bool,
}

impl Options {
    fn parse(args: &[String], seconds: f64, ordinary_seconds: f64) -> Result<Self> {
        let mut options = Self { seconds, ordinary_seconds, filter: String::new(), bless: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--seconds" => {
                    options.seconds = value()?.parse()?;
                    options.ordinary_seconds = options.seconds;
                }
                "--cell" => options.filter.clone_from(value()?),
                "--bless" => options.bless = true,
                _ => {
                    return Err(format!(
                        "unknown option `{arg}`; known are --seconds N, --cell NAME, --bless"
                    )
                    .into());
                }
            }
        }
        Ok(options)
    }
}

/// Runs every cell.
pub(crate) fn full(args: &[String]) -> Result {
    cells(&cell::all(), &Options::parse(args, 3.0, 60.0)?)
}

/// Runs cells in which every pair of values of two factors occurs.
pub(crate) fn pairs(args: &[String]) -> Result {
    cells(&cell::pairwise(), &Options::parse(args, 3.0, 60.0)?)
}

/// Runs the cells that continuous integration has time for.
pub(crate) fn quick(args: &[String]) -> Result {
    cells(&cell::quick(), &Options::parse(args, 2.0, 5.0)?)
}

/// Runs the ordinary cell for a long time, with the flags and without them.
pub(crate) fn soak(args: &[String]) -> Result {
    cells(&[Cell::ORDINARY, Cell::NO_FLAGS], &Options::parse(args, 600.0, 600.0)?)
}

fn cells(cells: &[Cell], options: &Options) -> Result {
    let dir = scratch("matrix");
    generate::write(&dir, SEED)?;
    let (mut rows, mut failed) = (String::new(), Vec::new());
    let commit = output(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
    let exact = cells.iter().any(|c| c.name() == options.filter);
    let wanted = |name: &str| name.contains(&options.filter) && !(exact && name != options.filter);
    if !cells.iter().any(|c| wanted(&c.name())) {
        return Err(format!("no cell is named like `{}`", options.filter).into());
    }
    for cell in cells.iter().filter(|c| wanted(&c.name())) {
        let name = cell.name();
        let seconds =
            if *cell == Cell::ORDINARY { options.ordinary_seconds } else { options.seconds };
        match check(&dir, cell, commit.trim(), seconds) {
            Ok(row) => rows += &row,
            Err(e) => {
                println!("{name}: FAILED: {e}");
                failed.push(name);
            }
        }
        if !options.bless {
            continue;
        }
        // Written after each cell, so that a run that is stopped early keeps its results.
        let path = root().join("measurements/matrix.md");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        let order: Vec<_> = cell::all().iter().map(Cell::name).collect();
        let all = coverage::merged(&before, &rows, &failed, &order);
        std::fs::write(path, coverage::document("cargo xtask matrix --bless", &all)?)?;
    }
    println!("\n{}{rows}{}", coverage::head(), coverage::targets(&rows));
    if !failed.is_empty() {
        return Err(format!("{} cells failed: {}", failed.len(), failed.join(", ")).into());
    }
    Ok(())
}

/// Builds, verifies and runs one cell. Returns its row.
fn check(dir: &Path, cell: &Cell, commit: &str, seconds: f64) -> Result<String> {
    let built = build::build(dir, cell)?;
    let (report, agreed) = compare::compare(&built, cell.has_flags())?;
    let (account, counts) = build::run(&built.program, seconds)?;
    println!("{}: built in {:.0} s; {agreed}; {account}", cell.name(), built.took.as_secs_f64());
    let summary = &report.summary;
    // The program counts a jump label as an inline call of its site.
    let labels = summary.labels;
    let (calls, inline) = ((summary.calls + labels) as u64, (summary.inline + labels) as u64);
    if (counts.calls, counts.inline, counts.indirect) != (calls, inline, 0) {
        return Err(format!("the program reports {counts:?}, the verifier {summary:?}").into());
    }
    Ok(coverage::row(&cell.name(), commit, &report, agreed.oracles()))
}
