//! Finds the places in machine code that may name a trampoline.
//!
//! Every direct branch and every operand relative to `%rip` ends in a 4-byte displacement counted
//! from the byte after it (an immediate can follow, but not in a form that takes an address). So one
//! question is asked of every byte of code: do the four bytes here lead to a trampoline, or to a
//! word that holds one? It is asked of a bitmap indexed by the low bits of the quadword's number,
//! small enough for the first-level cache; what passes is looked up.

use std::collections::HashMap;

use crate::image::{Image, Section};

/// What an address means to the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Index of a trampoline.
    Trampoline(usize),
    /// Index of a word that holds a trampoline's address.
    Holder(usize),
    /// An entry of the procedure linkage table that leads to the trampoline of this index.
    Plt(usize),
}

/// Four bytes of code that may name a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Address of the four bytes (of the one byte of a short jump).
    pub(crate) field: u64,
    /// What they lead to.
    pub(crate) target: Target,
    /// The address they lead to: the target's, or one inside a trampoline.
    pub(crate) destination: u64,
    /// Whether that is the target's own address.
    pub(crate) is_exact: bool,
    /// How they lead there.
    pub(crate) form: FieldForm,
}

/// How four bytes name an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldForm {
    /// As a displacement from the byte after them.
    Relative,
    /// As themselves, in an executable at fixed addresses.
    Absolute,
    /// As one byte, a displacement from the byte after it.
    Short,
}

/// The addresses to look for.
#[derive(Debug)]
pub(crate) struct Targets {
    by_quadword: HashMap<u64, Vec<(u64, Target)>>,
    filter: Vec<u64>,
    mask: u64,
}

impl Targets {
    pub(crate) fn new(all: impl Iterator<Item = (u64, Target)>) -> Self {
        const FEWEST_BITS: usize = 1 << 16;
        let mut by_quadword: HashMap<u64, Vec<(u64, Target)>> = HashMap::new();
        for (address, target) in all {
            by_quadword.entry(address / 8).or_default().push((address, target));
        }
        let bits = (by_quadword.len() * 64).next_power_of_two().max(FEWEST_BITS);
        let mut targets = Self { by_quadword, filter: vec![0; bits / 64], mask: bits as u64 - 1 };
        let mut filter = std::mem::take(&mut targets.filter);
        for quadword in targets.by_quadword.keys() {
            let bit = quadword & targets.mask;
            if let Some(word) = filter.get_mut((bit / 64) as usize) {
                *word |= 1 << (bit % 64);
            }
        }
        targets.filter = filter;
        targets
    }

    #[inline(always)]
    fn may_contain(&self, address: u64) -> bool {
        let bit = (address / 8) & self.mask;
        self.filter.get((bit / 64) as usize).is_some_and(|w| w >> (bit % 64) & 1 != 0)
    }

    /// What stands at `address`; for an address inside a trampoline, the trampoline.
    fn find(&self, address: u64) -> Option<(Target, bool)> {
        let here = self.by_quadword.get(&(address / 8))?;
        let exact = here.iter().find(|(a, _)| *a == address);
        let around =
            || here.iter().find(|(a, t)| *a < address && matches!(t, Target::Trampoline(_)));
        exact.or_else(around).map(|&(a, t)| (t, a == address))
    }
}

/// The candidates of all code, by address.
pub(crate) fn candidates(
    image: &Image<'_>,
    targets: &Targets,
    trampolines: &[u64],
    has_absolute: bool,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    let is_code = |s: &&Section<'_>| s.is_code() && s.address.checked_add(s.size).is_some();
    for section in image.sections.iter().filter(is_code) {
        let Some(data) = image.section_data(section) else { continue };
        relative(data, section.address, targets, &mut found);
        if has_absolute {
            absolute(data, section.address, targets, &mut found);
        }
        for &t in trampolines.iter().filter(|&&t| section.contains(t)) {
            short(data, section.address, t, targets, &mut found);
        }
    }
    found.sort_unstable_by_key(|c| (c.field, c.form as u8));
    found
}

fn relative(data: &[u8], address: u64, targets: &Targets, found: &mut Vec<Candidate>) {
    for (i, field) in data.windows(4).enumerate() {
        let displacement = i32::from_le_bytes([field[0], field[1], field[2], field[3]]);
        let end = address.wrapping_add(i as u64 + 4);
        let destination = end.wrapping_add_signed(displacement.into());
        if targets.may_contain(destination)
            && let Some((target, is_exact)) = targets.find(destination)
        {
            let (field, form) = (address + i as u64, FieldForm::Relative);
            found.push(Candidate { field, target, destination, is_exact, form });
        }
    }
}

fn absolute(data: &[u8], address: u64, targets: &Targets, found: &mut Vec<Candidate>) {
    for (i, field) in data.windows(4).enumerate() {
        let destination = u32::from_le_bytes([field[0], field[1], field[2], field[3]]).into();
        if targets.may_contain(destination)
            && let Some((target, is_exact)) = targets.find(destination)
        {
            let (field, form) = (address + i as u64, FieldForm::Absolute);
            found.push(Candidate { field, target, destination, is_exact, form });
        }
    }
}

/// Jumps with an 8-bit displacement (`eb`, `70` to `7f`, `e0` to `e3`) near a trampoline.
fn short(
    data: &[u8],
    address: u64,
    trampoline: u64,
    targets: &Targets,
    found: &mut Vec<Candidate>,
) {
    const REACH: u64 = 130;
    let from = trampoline.saturating_sub(REACH).max(address) - address;
    let to = (trampoline - address).saturating_add(REACH + 8).min(data.len() as u64);
    let Some(near) = data.get(from as usize..to as usize) else { return };
    for (i, pair) in near.windows(2).enumerate() {
        if !matches!(pair[0], 0xeb | 0x70..=0x7f | 0xe0..=0xe3) {
            continue;
        }
        let field = address + from + i as u64 + 1;
        let destination = (field + 1).wrapping_add_signed(i64::from(pair[1].cast_signed()));
        // Each jump is found from the one trampoline that it leads to.
        if destination.wrapping_sub(trampoline) < 8
            && let Some((target, is_exact)) = targets.find(destination)
        {
            found.push(Candidate { field, target, destination, is_exact, form: FieldForm::Short });
        }
    }
}
