//! 8-byte numbers in code, as in the large code model (x86-64 psABI, 3.5 "Large position
//! independent model"): a `movabs` of an address, or of its offset from the GOT.
//!
//! Linkers disagree about where the GOT begins for this purpose: at the start of one of its
//! sections, or at the end of one. The code tells: it takes its own address with `lea -7(%rip)`,
//! and the distance from there with a `movabs`.

use super::{Candidate, FieldForm, Target, Targets};
use crate::elf::image::Image;

/// The opcode of `movabs` with the first register; seven others follow.
pub(super) const MOVABS: u8 = 0xb8;

impl Targets {
    /// Makes the scan look for 8-byte numbers, too.
    pub(crate) fn with_wide(mut self, image: &Image<'_>, has_absolute: bool) -> Self {
        let absolute = has_absolute.then_some(0);
        self.bases = gots(image).chain(absolute).collect();
        self.bases.sort_unstable();
        self.bases.dedup();
        self
    }
}

/// Returns where the GOT can begin, the likeliest place first.
fn gots(image: &Image<'_>) -> impl Iterator<Item = u64> {
    let named = |name| image.sections_named(name);
    let starts = named(".got.plt").chain(named(".got")).map(|s| s.address);
    let ends = named(".got").chain(named(".got.plt")).map(|s| s.address.wrapping_add(s.size));
    starts.chain(ends)
}

/// Adds a candidate if the bytes at `at` are the number of a `movabs` (`REX.W b8+r imm64`) that
/// leads from one of the bases to a target.
pub(super) fn check(
    targets: &Targets,
    data: &[u8],
    at: usize,
    field: u64,
    found: &mut Vec<Candidate>,
) {
    let rex = at.checked_sub(2).and_then(|at| data.get(at));
    let number = data.get(at..).and_then(|data| data.first_chunk());
    let (Some(rex), Some(number)) = (rex, number) else { return };
    if rex & 0xf8 != 0x48 {
        return;
    }
    let number = u64::from_le_bytes(*number);
    let form = FieldForm::Wide;
    for base in &targets.bases {
        let before = found.len();
        targets.check(base.wrapping_add(number), field, form, found);
        if found.last().is_some_and(|c| !c.is_exact) {
            found.truncate(before);
        }
    }
    if let Some([rex, 0x8d, modrm, 0xf9, 0xff, 0xff, 0xff]) =
        at.checked_sub(9).and_then(|from| data.get(from..at - 2))
        && (rex & 0xf8, modrm & 0xc7) == (0x48, 5)
    {
        let destination = field.wrapping_sub(9).wrapping_add(number);
        if targets.bases.contains(&destination) {
            found.push(Candidate { field, target: Target::Got, destination, is_exact: true, form });
        }
    }
}

/// Keeps only those 8-byte numbers that are addresses, or offsets from where the code says that the
/// GOT begins.
pub(super) fn settle(image: &Image<'_>, found: &mut Vec<Candidate>) {
    let said = found.iter().find(|c| c.target == Target::Got).map(|c| c.destination);
    let got = said.or_else(|| gots(image).next());
    found.retain(|c| {
        let number = || image.at(c.field, 8)?.try_into().ok().map(u64::from_le_bytes);
        let base = || Some(c.destination.wrapping_sub(number()?));
        let is_meant = || base().is_some_and(|base| base == 0 || Some(base) == got);
        c.form != FieldForm::Wide || c.target != Target::Got && is_meant()
    });
}
