//! What must be true of an image: the verifier and the oracle agree, and the rules of the
//! workspace's flags hold.

use std::collections::BTreeSet;

use static_call_verify::report::{Grade, Kind, Report, TableState};
use static_call_verify::{Policy, verify};

use super::build::Built;
use super::oracle::{self, Reference};
use crate::run::Result;

/// Calls that the generated program must have at the least.
const CALLS: usize = 2000;
/// Those among them, at the least, whose trampoline is local: the rule for them is put to a test.
const LOCAL_CALLS: usize = 500;

/// Compares what the verifier finds with what the oracle finds, and checks what holds in every
/// cell. Returns the report of the program that runs.
pub(super) fn compare(built: &Built) -> Result<Report> {
    let report = against_oracle(built)?;
    let Some(with_symbols) = &built.with_symbols else { return Ok(report) };
    // Without symbols the verifier has unwind tables alone, and must find the same.
    let (with, without) = (verified(with_symbols), verified(&built.image));
    same("references with and without symbols", &references(&with), &references(&without))?;
    filled(&without)?;
    Ok(without)
}

fn verified(image: &[u8]) -> Report {
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    verify(image, &policy)
}

fn references(report: &Report) -> BTreeSet<Reference> {
    let references = report.calls.iter().map(|call| Reference {
        address: call.address,
        kind: kind(call.kind),
        grade: call.grade.as_str(),
        length: call.length,
        trampoline: report.trampolines[call.trampoline].address,
    });
    references.collect()
}

fn filled(report: &Report) -> Result {
    match report.image.table {
        TableState::Filled { .. } => Ok(()),
        other => Err(format!("the table is {other:?}").into()),
    }
}

fn against_oracle(built: &Built) -> Result<Report> {
    let report = verified(&built.with_relocations);
    let found = oracle::find(&built.with_relocations)?;
    let local_names = oracle::local_names(&built.with_bindings)?;

    let by_symbol: BTreeSet<u64> = found.by_symbol.keys().copied().collect();
    same("trampolines by symbol and by record", &by_symbol, &found.by_record)?;
    let trampolines = report.trampolines.iter().map(|t| t.address).collect();
    same("trampolines by symbol and verified", &by_symbol, &trampolines)?;
    same("references of oracle and verifier", &found.references, &references(&report))?;
    filled(&report)?;

    let mut wrong = Vec::new();
    let mut local_calls = 0;
    for call in &report.calls {
        let at = call.address;
        let trampoline = report.trampolines[call.trampoline].address;
        let is_local = found.by_symbol.get(&trampoline).is_some_and(|n| local_names.contains(n));
        local_calls += usize::from(call.kind == Kind::Call && is_local);
        if call.kind == Kind::Call && is_local && !(call.inline && call.grade == Grade::Quad) {
            wrong.push(format!("{at:#x}: a call to a local trampoline is {:?}", call.grade));
        }
        if call.inline == call.reason.is_some() {
            wrong.push(format!("{at:#x}: inline {}, reason {:?}", call.inline, call.reason));
        }
        if call.inline && !(call.kind.is_direct() && call.grade.is_patchable()) {
            wrong.push(format!("{at:#x}: {:?} {:?} is inline", call.kind, call.grade));
        }
    }
    if local_calls < LOCAL_CALLS {
        wrong.push(format!("{local_calls} calls to local trampolines, fewer than {LOCAL_CALLS}"));
    }
    if report.summary.calls < CALLS {
        wrong.push(format!("{} calls, fewer than {CALLS}", report.summary.calls));
    }
    if wrong.is_empty() { Ok(report) } else { Err(first(&wrong).into()) }
}

fn same<T: Ord + std::fmt::Debug>(what: &str, left: &BTreeSet<T>, right: &BTreeSet<T>) -> Result {
    let only_left: Vec<_> = left.difference(right).map(|x| format!("only left: {x:x?}")).collect();
    let only_right: Vec<_> =
        right.difference(left).map(|x| format!("only right: {x:x?}")).collect();
    if only_left.is_empty() && only_right.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{what} differ ({} and {}):\n{}\n{}",
        left.len(),
        right.len(),
        first(&only_left),
        first(&only_right)
    )
    .into())
}

/// The first lines, and how many there are.
fn first(lines: &[String]) -> String {
    let shown = lines.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
    if lines.len() > 8 { format!("{shown}\n… {} in all", lines.len()) } else { shown }
}

/// A kind in the oracle's words.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::AddressTaken => "taken",
        _ => kind.as_str(),
    }
}
