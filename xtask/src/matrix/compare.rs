//! Checks an image: the verifier and the oracles agree, and the workspace's flags do what they
//! promise.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use static_call_verify::report::{Grade, Kind, Report, TableState};
use static_call_verify::{Policy, verify};

use super::build::Built;
use super::oracles::{self, Counts, first, same};
use crate::run::Result;

/// The least number of calls in the generated program. Without flags, unoptimised code loads many
/// trampolines into registers instead of calling them.
const CALLS: [usize; 2] = [1000, 2000];
/// The least number of these that go to local trampolines, so that their rule is tested.
const LOCAL_CALLS: usize = 500;
/// The least number of calls in a thousand that are inline, with flags and without.
const PER_MILLE_INLINE: usize = 998;

/// Compares what the verifier and the oracles find, and checks what holds in every cell. Returns
/// the report of the program that runs, and what the oracles read.
pub(super) fn compare(built: &Built, has_flags: bool) -> Result<(Report, Counts)> {
    let report = verified(&built.with_relocations)?;
    let counts = oracles::compare(&built.with_relocations, &report)?;
    if counts.relocations == 0 {
        return Err("the image has kept no relocations".into());
    }
    filled(&report)?;
    rules(built, has_flags, &report)?;
    let Some(with_symbols) = &built.with_symbols else { return Ok((report, counts)) };
    // Without symbols the verifier has only unwind tables, and must still find what the oracles
    // find with symbols.
    let (not_stripped, stripped) = (verified(with_symbols)?, verified(&built.program)?);
    let references = [&not_stripped, &stripped].map(oracles::references);
    same("references with and without symbols", &references[0], &references[1])?;
    oracles::compare(with_symbols, &stripped)?;
    filled(&stripped)?;
    Ok((stripped, counts))
}

fn verified(image: &Path) -> Result<Report> {
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    Ok(verify(&fs::read(image)?, &policy))
}

fn filled(report: &Report) -> Result {
    match report.image.table {
        TableState::Filled { .. } => Ok(()),
        other => Err(format!("the table is {other:?}").into()),
    }
}

/// Checks what the flags promise, and that the report is consistent.
fn rules(built: &Built, has_flags: bool, report: &Report) -> Result {
    let names = oracles::names(&fs::read(&built.with_relocations)?)?;
    let local_names = oracles::local_names(&fs::read(&built.with_bindings)?)?;
    let by_symbol: BTreeSet<u64> = names.keys().copied().collect();
    let trampolines = report.trampolines.iter().map(|t| t.address).collect();
    same("trampolines by symbol and by the verifier", &by_symbol, &trampolines)?;

    let mut wrong = Vec::new();
    let mut local_calls = 0;
    for call in &report.calls {
        let at = call.address;
        let trampoline = report.trampolines[call.trampoline].address;
        let is_local = names.get(&trampoline).is_some_and(|n| local_names.contains(n));
        local_calls += usize::from(call.kind == Kind::Call && is_local);
        if has_flags && call.kind == Kind::Call && is_local && call.grade != Grade::Quad {
            wrong.push(format!("{at:#x}: a call to a local trampoline is {:?}", call.grade));
        }
        if has_flags && call.kind.is_direct() && !call.inline {
            wrong.push(format!("{at:#x}: {:?} is not inline: {:?}", call.kind, call.reason));
        }
        if call.inline == call.reason.is_some() {
            wrong.push(format!("{at:#x}: inline {}, reason {:?}", call.inline, call.reason));
        }
        if call.inline && !(call.kind.is_direct() && call.grade.is_patchable()) {
            wrong.push(format!("{at:#x}: {:?} {:?} is inline", call.kind, call.grade));
        }
    }
    let summary = &report.summary;
    if summary.inline * 1000 < summary.calls * PER_MILLE_INLINE {
        wrong.push(format!("{} of {} calls are inline", summary.inline, summary.calls));
    }
    if local_calls < LOCAL_CALLS {
        wrong.push(format!("{local_calls} calls to local trampolines, fewer than {LOCAL_CALLS}"));
    }
    let least = CALLS[usize::from(has_flags)];
    if report.summary.calls < least {
        wrong.push(format!("{} calls, fewer than {least}", report.summary.calls));
    }
    if wrong.is_empty() { Ok(()) } else { Err(first(&wrong).into()) }
}
