//! Compares the verifier with the oracles on the programs that were built.

use std::fs;
use std::ops::AddAssign;
use std::path::Path;

use static_call_verify::report::{Kind, Report, TableState};
use static_call_verify::{Policy, verify};

use super::labels;
use crate::matrix::oracles;
use crate::run::Result;

/// What was found in some images, confirmed by the oracles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) images: usize,
    pub(super) calls: usize,
    pub(super) labels: usize,
    /// `quad`, `disp`, `line`, `straddle`.
    pub(super) grades: [usize; 4],
    pub(super) tail_calls: usize,
    pub(super) via_got: usize,
    pub(super) register: usize,
    pub(super) address_taken: usize,
    pub(super) inline: usize,
    /// Instructions that iced-x86 decoded, or objdump where there are only labels.
    pub(super) decoded: usize,
}

impl AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.images += other.images;
        self.calls += other.calls;
        self.labels += other.labels;
        for (grade, more) in self.grades.iter_mut().zip(other.grades) {
            *grade += more;
        }
        self.tail_calls += other.tail_calls;
        self.via_got += other.via_got;
        self.register += other.register;
        self.address_taken += other.address_taken;
        self.inline += other.inline;
        self.decoded += other.decoded;
    }
}

/// Verifies an image that has kept its relocations. Returns an error if an oracle disagrees, or if
/// a call is inline that must not be.
pub(super) fn check(image: &Path) -> Result<Found> {
    compared(image).map_err(|e| format!("{}: {e}", image.display()).into())
}

fn compared(image: &Path) -> Result<Found> {
    let bytes = fs::read(image)?;
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    let report = verify(&bytes, &policy);
    let printed = labels::compare(image, &report)?;
    if report.trampolines.is_empty() && oracles::names(&bytes)?.is_empty() {
        // It has only flags, and nothing that the matrix's oracles look for.
        return Ok(Found { decoded: printed, ..of(&report) });
    }
    let counts = oracles::compare(image, &report)?;
    if counts.relocations == 0 {
        return Err("the image has kept no relocations".into());
    }
    if !matches!(report.image.table, TableState::Filled { .. }) {
        return Err(format!("the table is {:?}", report.image.table).into());
    }
    for call in report.calls.iter().filter(|call| call.inline) {
        if !(call.kind.is_direct() && call.grade.is_patchable()) {
            return Err(
                format!("{:#x}: {:?} {:?} is inline", call.address, call.kind, call.grade).into()
            );
        }
    }
    Ok(Found { decoded: counts.decoded, ..of(&report) })
}

fn of(report: &Report) -> Found {
    let summary = &report.summary;
    Found {
        images: 1,
        calls: summary.calls,
        labels: summary.labels,
        grades: [summary.quad, summary.disp, summary.line, summary.straddle],
        tail_calls: report.calls.iter().filter(|c| matches!(c.kind, Kind::Jmp | Kind::Jcc)).count(),
        via_got: summary.via_got,
        register: summary.register,
        address_taken: summary.address_taken,
        inline: summary.inline,
        decoded: 0,
    }
}
