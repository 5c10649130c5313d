//! The programs `calls` and `wide`: a call, in every way to make one that can be switched.

use super::code;
use super::fresh_files::Pages;
use super::program::Build;
use super::programs::{CALLS, WIDE};
use super::results::Section;
use super::rounds::Measured;
use super::runs::{Run, measure};
use super::{Options, targets};
use crate::run::Result;

/// The ways that other ways are compared with: direct calls, and the same once more, which is the
/// control: what the place of code changes by itself.
const DIRECT: &str = "direct call";
pub(super) const CONTROL: &str = "direct call, elsewhere";
/// The way whose path differs between runs.
const STATIC: &str = "static call";

pub(super) const INLINE: &str = "static call, inline";
pub(super) const WHOLE: &str = "static call, inline, file in one piece";
pub(super) const SWITCHED: &str = "static call, inline, switched";
pub(super) const ONE_STORE: &str = "static call, inline, aligned by flags";
pub(super) const BOUND: &str = "static call, bound at link time";
const TRAMPOLINE: &str = "static call, trampoline";
const INDIRECT: &str = "static call, indirect";

/// What runs after the first are asked for.
const FEW: &[&str] = &[DIRECT, CONTROL, STATIC];

/// A run that measures static calls only.
const fn of(
    name: &'static str,
    renamed: &'static [(&'static str, &'static str)],
    build: Build,
    cap: &'static str,
) -> Run {
    Run { name, renamed, build, cap, ways: FEW, base: &[DIRECT, CONTROL], ..Run::PLAIN }
}

/// How the programs run. The first run measures the other ways, too.
const RUNS: [Run; 7] = [
    Run { ways: &[], ..of(INLINE, &[(STATIC, INLINE)], Build::Plain, "inline") },
    Run { pages: Pages::Whole, ..of(WHOLE, &[(STATIC, WHOLE)], Build::Plain, "inline") },
    Run { arguments: &["switched"], ..of(SWITCHED, &[(STATIC, SWITCHED)], Build::Plain, "inline") },
    of(ONE_STORE, &[(STATIC, ONE_STORE)], Build::Flags, "inline"),
    of(BOUND, &[(STATIC, BOUND)], Build::Bound, "inline"),
    of(TRAMPOLINE, &[(STATIC, TRAMPOLINE)], Build::Plain, "trampoline"),
    of(INDIRECT, &[(STATIC, INDIRECT)], Build::Plain, "indirect"),
];

/// Measures the programs.
pub(super) fn section(options: &Options) -> Result<Section> {
    let mut section = Section::new("A call");
    let mut measured = Measured::default();
    for program in [CALLS, WIDE] {
        for (build, path) in measure(&program, &RUNS, options, &mut section, &mut measured)? {
            let read = code::read(&path)?;
            code::check(&read).map_err(|e| format!("{}, {build:?}: {e}", program.name))?;
            if build == Build::Plain {
                section.code.extend(read.into_iter().map(|((grid, way), code)| (grid, way, code)));
            }
        }
    }
    section.workloads = measured.workloads()?;
    section.targets = section.workloads.iter().flat_map(targets::of_calls).collect();
    Ok(section)
}
