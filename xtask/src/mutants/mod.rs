//! Breaks each rule of SAFETY.md once, in a copy of the workspace, and runs the tests that must
//! notice.

mod list;
mod suite;
mod tree;

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::machine;
use crate::run::{Result, root, scratch};
use list::Mutant;
use suite::Outcome;

/// Runs the mutants whose rule or text contains one of the arguments, or all of them. `--bless`
/// writes the results to `measurements/mutants.md`.
pub(crate) fn mutants(args: &[String]) -> Result {
    let (options, words): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    if let Some(option) = options.iter().find(|option| **option != "--bless") {
        return Err(format!("unknown option `{option}`; the only one is --bless").into());
    }
    let wanted = |mutant: &&Mutant| {
        let is_in = |word: &&&String| mutant.rule.contains(**word) || mutant.what.contains(**word);
        words.is_empty() || words.iter().any(|word| is_in(&word))
    };
    let chosen: Vec<_> = list::mutants().filter(wanted).collect();
    if chosen.is_empty() {
        return Err("no mutant is named like that".into());
    }
    let dir = scratch("mutants");
    let tree = dir.join("tree");
    tree::update(&tree)?;
    let target = dir.join("target");
    // Without a mutant the tests must pass, or nothing is shown.
    for suite in suite::needed(&chosen) {
        let outcome = suite.run(&tree, &target)?;
        if outcome != Outcome::Passed {
            return Err(format!("{} fails without a mutant: {outcome:?}", suite.name()).into());
        }
    }
    let mut rows = Vec::new();
    for mutant in chosen {
        let start = Instant::now();
        let verdict = run(mutant, &tree, &target)?;
        let seconds = start.elapsed().as_secs();
        println!("{} | {} | {verdict} ({seconds} s)", mutant.rule, mutant.what);
        rows.push((mutant, verdict));
    }
    if !options.is_empty() && words.is_empty() {
        fs::write(root().join("measurements/mutants.md"), document(&rows)?)?;
    }
    let is_caught = |verdict: &Verdict| matches!(verdict, Verdict::Caught(_));
    let others: Vec<_> = rows.iter().filter(|(_, verdict)| !is_caught(verdict)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = others.iter().map(|(mutant, _)| mutant.what).collect();
    Err(format!("{} mutants were not caught: {}", names.len(), names.join("; ")).into())
}

/// What became of a mutant.
enum Verdict {
    /// These tests failed.
    Caught(String),
    Survived,
    /// The compiler's messages.
    DoesNotCompile(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(tests) => f.write_str(tests),
            Self::Survived => f.write_str("**nothing**"),
            Self::DoesNotCompile(errors) => write!(f, "does not compile:\n{errors}"),
        }
    }
}

/// Runs the suites of a mutant until one fails.
fn run(mutant: &Mutant, tree: &Path, target: &Path) -> Result<Verdict> {
    let originals = mutant.apply(tree)?;
    let outcomes = mutant.suites.iter().map(|suite| suite.run(tree, target));
    let first = outcomes
        .map(|outcome| {
            Ok(match outcome? {
                Outcome::Passed => Verdict::Survived,
                Outcome::Failed(tests) => Verdict::Caught(tests),
                Outcome::DoesNotCompile(errors) => Verdict::DoesNotCompile(errors),
            })
        })
        .find(|verdict| !matches!(verdict, Ok(Verdict::Survived)));
    Mutant::undo(tree, &originals)?;
    first.unwrap_or(Ok(Verdict::Survived))
}

fn document(rows: &[(&Mutant, Verdict)]) -> Result<String> {
    let mut text = format!(
        "# What notices a broken rule\n\n{}\n\nEach row breaks one rule of SAFETY.md in the source \
         and names tests that fail then.\n\n| rule | broken how | caught by |\n|---|---|---|\n",
        machine::heading("`cargo xtask mutants --bless`")?
    );
    for (mutant, verdict) in rows {
        writeln!(text, "| {} | {} | {verdict} |", mutant.rule, mutant.what)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mutant whose text is no longer in the source would show nothing.
    #[test]
    fn every_mutant_applies_to_one_place() {
        for mutant in list::mutants() {
            for (file, old, new) in mutant.changes {
                let text = fs::read_to_string(root().join(list::SOURCES).join(file)).unwrap();
                assert_eq!(text.matches(old).count(), 1, "{}: {file}: {old}", mutant.what);
                assert_ne!(old, new, "{}", mutant.what);
            }
            assert!(!mutant.suites.is_empty(), "{}", mutant.what);
        }
    }
}
