//! The mutants: each breaks one rule of SAFETY.md, and the suites that must notice.

mod bound;
mod copies;
mod steps;
mod stores;

use std::fs;
use std::path::Path;

use super::suite::Suite;
use crate::run::Result;

/// A way to break a rule.
pub(super) struct Mutant {
    /// The invariant or section of SAFETY.md.
    pub(super) rule: &'static str,
    /// How it is broken.
    pub(super) what: &'static str,
    /// Files of the runtime, texts in them, and what the mutant has in their place.
    pub(super) changes: &'static [(&'static str, &'static str, &'static str)],
    /// Run in this order until one fails.
    pub(super) suites: &'static [Suite],
}

/// Returns all mutants.
pub(super) fn mutants() -> impl Iterator<Item = &'static Mutant> {
    steps::MUTANTS.iter().chain(stores::MUTANTS).chain(copies::MUTANTS).chain(bound::MUTANTS)
}

impl Mutant {
    /// Changes the files in `tree`. Returns them as they were, in the order of the changes.
    pub(super) fn apply(&self, tree: &Path) -> Result<Vec<(&'static str, String)>> {
        let mut originals = Vec::new();
        for &(file, old, new) in self.changes {
            let path = tree.join(SOURCES).join(file);
            let text = fs::read_to_string(&path)?;
            if text.matches(old).count() != 1 {
                return Err(format!("{}: {file} does not contain once: {old}", self.what).into());
            }
            fs::write(&path, text.replace(old, new))?;
            originals.push((file, text));
        }
        Ok(originals)
    }

    /// Writes the files that `apply` changed.
    pub(super) fn undo(tree: &Path, originals: &[(&'static str, String)]) -> Result {
        // The last one first: two changes may be in one file.
        for (file, text) in originals.iter().rev() {
            fs::write(tree.join(SOURCES).join(file), text)?;
        }
        Ok(())
    }
}

/// The sources of the runtime.
pub(super) const SOURCES: &str = "static-call/src";
