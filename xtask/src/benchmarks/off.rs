//! The program `off`: a hook and a flag that are off, beside every other check.

use super::Options;
use super::program::Build;
use super::programs;
use super::results::Section;
use super::runs::{self, Run};
use super::targets::Target;
use crate::run::Result;

/// The way that other ways are compared with.
const NONE: &str = "no check";
const ATOMIC: &str = "AtomicBool";
/// The ways of this crate, as the program names them.
const HOOK: &str = "hook";
const FLAG: &str = "flag";
/// The same where calls and labels were bound when the program was linked.
const BOUND: [&str; 2] = ["hook, bound at link time", "flag, bound at link time"];
/// `AtomicBool` in the program whose labels were bound.
const ATOMIC_BOUND: &str = "AtomicBool, beside bound";

/// How the program runs. The first run measures the other ways, too.
const RUNS: [Run; 3] = [
    Run { name: "inline", ..Run::PLAIN },
    Run {
        name: "bound at link time",
        renamed: &[(HOOK, BOUND[0]), (FLAG, BOUND[1]), (ATOMIC, ATOMIC_BOUND)],
        build: Build::Bound,
        ways: &[NONE, HOOK, FLAG, ATOMIC],
        ..Run::PLAIN
    },
    Run {
        name: "not patched",
        renamed: &[(HOOK, "hook, not patched"), (FLAG, "flag, not patched")],
        cap: "indirect",
        ways: &[NONE, HOOK, FLAG],
        ..Run::PLAIN
    },
];

/// The run that compares the forms of a label.
const FORMS: Run = Run { name: "forms of a no-op", build: Build::Forms, ..Run::PLAIN };

/// Measures what the form of a label costs while it is off: no-ops that nothing can turn on.
pub(super) fn forms(options: &Options) -> Result<Section> {
    runs::section("The form of a label that is off", &programs::FORMS, &[FORMS], options)
}

/// Measures the program.
pub(super) fn section(options: &Options) -> Result<Section> {
    let mut section =
        runs::section("A hook and a flag that are off", &programs::OFF, &RUNS, options)?;
    section.targets = targets(&section);
    Ok(section)
}

/// Returns the targets for hot and for cold code.
fn targets(section: &Section) -> Vec<Target> {
    let mut targets = Vec::new();
    for workload in &section.workloads {
        let ratio = |way: &str| workload.row(way).map(|row| row.ratio.median);
        let ours = [HOOK, FLAG, BOUND[0], BOUND[1]];
        for (way, measured) in ours.into_iter().filter_map(|way| Some((way, ratio(way)?))) {
            let name = &workload.name;
            let atomic = if BOUND.contains(&way) { ATOMIC_BOUND } else { ATOMIC };
            if name.starts_with("hot") {
                let what = format!("{name}; {way}, to no check");
                targets.push(Target::at_most(what, measured, 1.02));
            } else if let Some(other) = ratio(atomic) {
                targets.push(Target {
                    what: format!("{name}; {way} ahead of {atomic}"),
                    measured: format!("{measured:.3} and {other:.3}"),
                    met: measured < other,
                });
            }
        }
    }
    targets
}
