//! The tests that run against a mutant.

use std::path::Path;
use std::process::Stdio;

use super::list::Mutant;
use crate::run::{Result, cargo};

/// Seconds after which a suite counts as failed: a mutant may wait for ever.
const LIMIT: &str = "300";

/// Tests of one test program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    /// Unit tests of the runtime whose path contains this.
    Unit(&'static str),
    /// The tests of this file of the package `static-call-tests`.
    Test(&'static str),
    /// The tests with loom.
    Loom,
}

/// What a suite did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// These failed.
    Failed(String),
    /// The mutant is not a program.
    DoesNotCompile(String),
}

/// Returns the suites of these mutants, each once.
pub(super) fn needed(mutants: &[&Mutant]) -> Vec<Suite> {
    let mut all = Vec::new();
    for suite in mutants.iter().flat_map(|mutant| mutant.suites) {
        if !all.contains(suite) {
            all.push(*suite);
        }
    }
    all
}

impl Suite {
    pub(super) fn name(self) -> String {
        match self {
            Self::Unit(filter) => format!("`cargo test -p static-call --lib {filter}`"),
            Self::Test(name) => format!("`cargo test -p static-call-tests --test {name}`"),
            Self::Loom => "`cargo test -p static-call-loom`".to_owned(),
        }
    }

    /// Builds and runs the tests.
    pub(super) fn run(self, tree: &Path, target: &Path) -> Result<Outcome> {
        let words: &[&str] = match self {
            Self::Unit(_) => &["--package", "static-call", "--lib"],
            Self::Test(name) => &["--package", "static-call-tests", "--test", name],
            Self::Loom => &["--package", "static-call-loom"],
        };
        let in_tree = |rest: &[&str]| {
            let mut command = cargo(["test", "--quiet"]);
            command.args(words).args(rest).current_dir(tree);
            command.env("CARGO_TARGET_DIR", target).env("RUST_BACKTRACE", "0");
            command.stdin(Stdio::null());
            command
        };
        let built = in_tree(&["--no-run"]).output()?;
        if !built.status.success() {
            let errors = String::from_utf8_lossy(&built.stderr).into_owned();
            return Ok(Outcome::DoesNotCompile(errors));
        }
        let filter: &[&str] = if let Self::Unit(filter) = &self { &[filter] } else { &[] };
        let command = in_tree(filter);
        // It signals all processes of the tests.
        let mut limited = std::process::Command::new("timeout");
        limited.args(["--kill-after=5", LIMIT]).arg(command.get_program()).args(command.get_args());
        limited.current_dir(tree).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        let out = limited.output()?;
        if out.status.success() {
            return Ok(Outcome::Passed);
        }
        let printed = String::from_utf8_lossy(&out.stdout);
        let mut failed: Vec<_> = printed.lines().filter_map(failed_test).collect();
        failed.sort_unstable();
        failed.dedup();
        let count = failed.len();
        failed.truncate(3);
        let mut names = failed.join(", ");
        if count > failed.len() {
            names += &format!(" and {} more", count - failed.len());
        }
        if count == 0 {
            // The test program died, or did not end.
            names = match self {
                Self::Unit(filter) => format!("the unit tests of {filter} end early"),
                Self::Test(name) => format!("the test program {name} ends early"),
                Self::Loom => "the tests with loom end early".to_owned(),
            };
        }
        Ok(Outcome::Failed(names))
    }
}

/// Returns the test that a line in the list of failures names.
fn failed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("    ")?;
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    (!name.is_empty() && name.chars().all(is_path)).then_some(name)
}
