//! Three ways to find what names a trampoline, which share no code with the verifier: relocations
//! that the linker kept, a decode of every function by iced-x86, and the output of objdump. Each is
//! naive, and slower than the verifier may be.

mod facts;
mod iced;
mod objdump;
mod relocations;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use static_call_verify::report::{Kind, Report};

use crate::run::Result;
use facts::Facts;
pub(super) use relocations::local_names;
pub(crate) use relocations::names;

/// The number of oracles.
const ORACLES: usize = 3;

/// Something that names a trampoline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// The address of the instruction or of the pointer.
    pub(crate) address: u64,
    pub(crate) kind: &'static str,
    pub(crate) grade: &'static str,
    pub(crate) length: u8,
    pub(crate) trampoline: u64,
}

/// How much the oracles read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// References to trampolines.
    pub(crate) references: usize,
    /// Relocations that the linker kept; 0 if it kept none, and that oracle was left out.
    pub(crate) relocations: usize,
    /// Instructions that iced-x86 decoded.
    pub(crate) decoded: usize,
    /// Instructions that objdump printed.
    pub(crate) printed: usize,
}

impl Counts {
    /// Returns how many oracles agreed with the verifier.
    pub(crate) fn oracles(&self) -> usize {
        if self.relocations == 0 { ORACLES - 1 } else { ORACLES }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} references, the same by ", self.references)?;
        if self.relocations != 0 {
            write!(f, "{} relocations, ", self.relocations)?;
        }
        write!(f, "iced-x86 ({} instructions) and objdump ({})", self.decoded, self.printed)
    }
}

/// Compares what the verifier and each oracle find in an image: addresses, kinds, lengths, grades
/// and trampolines.
///
/// The image needs symbols of its functions. The first oracle is left out unless the linker kept
/// relocations (`--emit-relocs`).
pub(crate) fn compare(image: &Path, report: &Report) -> Result<Counts> {
    let found = Found::read(image)?;
    let trampolines = report.trampolines.iter().map(|t| t.address).collect();
    same("trampolines by record and by the verifier", &found.facts.trampolines, &trampolines)?;
    found.compare(&references(report))
}

/// What the oracles find in an image.
struct Found {
    facts: Facts,
    /// References, and the number of relocations.
    relocations: (BTreeSet<Reference>, usize),
    iced: (BTreeSet<Reference>, usize),
    objdump: (BTreeSet<Reference>, usize),
}

impl Found {
    fn read(image: &Path) -> Result<Self> {
        let bytes = fs::read(image)?;
        let facts = Facts::read(&bytes)?;
        Ok(Self {
            relocations: relocations::find(&bytes, &facts)?,
            iced: iced::find(&bytes, &facts)?,
            objdump: objdump::find(image, &facts)?,
            facts,
        })
    }

    fn compare(&self, verified: &BTreeSet<Reference>) -> Result<Counts> {
        if self.relocations.1 != 0 {
            same("references by relocations and by the verifier", &self.relocations.0, verified)?;
        }
        // The others read only code.
        let in_code = verified.iter().filter(|r| self.facts.is_code(r.address));
        let in_code = in_code.cloned().collect();
        same("references by iced-x86 and by the verifier", &self.iced.0, &in_code)?;
        same("references by objdump and by the verifier", &self.objdump.0, &in_code)?;
        Ok(Counts {
            references: verified.len(),
            relocations: self.relocations.1,
            decoded: self.iced.1,
            printed: self.objdump.1,
        })
    }
}

/// Returns the references of a report.
pub(super) fn references(report: &Report) -> BTreeSet<Reference> {
    let references = report.calls.iter().map(|call| Reference {
        address: call.address,
        kind: match call.kind {
            Kind::AddressTaken => "taken",
            kind => kind.as_str(),
        },
        grade: call.grade.as_str(),
        length: call.length,
        trampoline: report.trampolines[call.trampoline].address,
    });
    references.collect()
}

/// Returns an error with the first differences if two sets differ.
pub(super) fn same<T: Ord + fmt::Debug>(
    what: &str,
    left: &BTreeSet<T>,
    right: &BTreeSet<T>,
) -> Result {
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

/// Returns the first lines, and the number of all.
pub(super) fn first(lines: &[String]) -> String {
    let shown = lines.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
    if lines.len() > 8 { format!("{shown}\n… {} in all", lines.len()) } else { shown }
}

/// Returns the grade of a branch by its bytes, or `none` if it is of a form that must not be
/// rewritten.
fn branch_grade(address: u64, bytes: &[u8]) -> &'static str {
    match bytes {
        [0xe8 | 0xe9, _, _, _, _]
        | [0x67, 0xe8 | 0xe9, _, _, _, _]
        | [0x0f, 0x80..=0x8f, _, _, _, _] => grade(address, bytes.len() as u64),
        _ => "none",
    }
}

/// Returns the grade of a branch whose last four bytes are the displacement, by looking at each
/// byte: in which aligned 8 and 64 bytes does it lie?
fn grade(address: u64, length: u64) -> &'static str {
    let blocks = |from: u64, n: u64, size: u64| -> BTreeSet<u64> {
        (from..from + n).map(|byte| byte / size).collect()
    };
    if blocks(address, length, 8).len() == 1 {
        "quad"
    } else if blocks(address + length - 4, 4, 8).len() == 1 {
        "disp"
    } else if blocks(address, length, 64).len() == 1 {
        "line"
    } else {
        "straddle"
    }
}
