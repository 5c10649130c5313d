//! Counts the instructions of what the crates do, by valgrind's callgrind.

use std::path::Path;
use std::process::Command;

use crate::run::{Result, output};

/// How often the work is done, in two runs: the difference is without what comes before and after.
const CALLS: [u32; 2] = [8, 24];

/// Returns whether valgrind is installed.
pub(super) fn is_offered() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// Returns how many instructions one operation of a program takes.
pub(super) fn instructions(program: &Path, what: &str) -> Result<f64> {
    let [few, many] = [run(program, what, CALLS[0])?, run(program, what, CALLS[1])?];
    let operations = f64::from(CALLS[1] - CALLS[0]) * many.operations;
    Ok((many.instructions - few.instructions) / operations)
}

/// What a run counted.
struct Run {
    instructions: f64,
    /// Operations in one call of the work.
    operations: f64,
}

fn run(program: &Path, what: &str, calls: u32) -> Result<Run> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]);
    command.arg(program);
    command.env("COUNT", format!("{what}\t{calls}")).env("STATIC_CALL", "inline");
    let printed = output(&mut command)?;
    parse(&printed).ok_or_else(|| format!("callgrind counted nothing:\n{printed}").into())
}

/// Reads the number of operations, which the program prints, and callgrind's `Collected : N`.
fn parse(printed: &str) -> Option<Run> {
    let collected = printed.lines().find_map(|line| line.split_once("Collected : "))?.1;
    let operations = printed.lines().find_map(|line| line.parse().ok())?;
    Some(Run { instructions: collected.trim().parse().ok()?, operations })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn counts_are_found_between_messages() {
        let run = parse("==7== Callgrind\n64\n==7== \n==7== Collected : 1234\n").unwrap();
        assert_eq!((run.operations, run.instructions), (64.0, 1234.0));
        assert!(parse("64\n==7== Events : Ir\n").is_none());
        assert!(parse("==7== Collected : 1234\n").is_none());
    }
}
