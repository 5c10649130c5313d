//! Finds the places in machine code that may name a trampoline.
//!
//! Every direct branch and every operand relative to `%rip` ends in a 4-byte displacement counted
//! from the byte after it (an immediate can follow, but not in a form that takes an address). So
//! for every byte of code that can come before a displacement, the scan checks whether the next
//! four lead to a trampoline, or to a word that holds one. It checks a bitmap indexed by the low
//! bits of the quadword's number, which fits in the first-level cache. Whatever passes is looked
//! up.

use std::collections::HashMap;
use std::ops::Range;

use crate::elf::image::Image;
use crate::sort;
use crate::threads;

#[cfg(test)]
mod tests;
mod wide;

/// Bytes of code that are worth a thread.
const PART: usize = 256 << 10;

/// What an address means to the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A trampoline, by index.
    Trampoline(usize),
    /// A word that holds a trampoline's address, by index.
    Holder(usize),
    /// An entry of the procedure linkage table that leads to the trampoline of this index.
    Plt(usize),
    /// The global offset table itself, where code computes its address. Not present after the scan.
    Got,
}

/// Four bytes of code that may name a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Address of the four bytes, or of the one byte of a short jump.
    pub(crate) field: u64,
    /// What they lead to.
    pub(crate) target: Target,
    /// The address they lead to: the target's, or one inside a trampoline.
    pub(crate) destination: u64,
    /// Whether `destination` is the target's own address.
    pub(crate) is_exact: bool,
    /// How they lead there.
    pub(crate) form: FieldForm,
}

/// How bytes name an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldForm {
    /// As a 4-byte displacement from the byte after them.
    Relative,
    /// As a 4-byte address, in an executable at fixed addresses.
    Absolute,
    /// As a 1-byte displacement from the byte after it.
    Short,
    /// As the 8-byte number of a `movabs`: an address, or an offset from the GOT. The large code
    /// model has every address in this form.
    Wide,
}

/// The addresses to look for.
#[derive(Debug)]
pub(crate) struct Targets {
    by_quadword: HashMap<u64, Vec<(u64, Target)>>,
    filter: Vec<u64>,
    mask: u64,
    /// Lowest and highest quadword.
    bounds: (u64, u64),
    /// The addresses that an 8-byte number can be relative to.
    bases: Vec<u64>,
}

impl Targets {
    pub(crate) fn new(all: impl Iterator<Item = (u64, Target)>) -> Self {
        const FEWEST_BITS: usize = 1 << 16;
        let mut by_quadword: HashMap<u64, Vec<(u64, Target)>> = HashMap::new();
        for (address, target) in all {
            by_quadword.entry(address / 8).or_default().push((address, target));
        }
        let bits = (by_quadword.len() * 64).next_power_of_two().max(FEWEST_BITS);
        let (mut filter, mask) = (vec![0; bits / 64], bits as u64 - 1);
        let mut bounds = (u64::MAX, 0);
        for &quadword in by_quadword.keys() {
            bounds = (quadword.min(bounds.0), quadword.max(bounds.1));
            let bit = quadword & mask;
            if let Some(word) = filter.get_mut((bit / 64) as usize) {
                *word |= 1 << (bit % 64);
            }
        }
        Self { by_quadword, filter, mask, bounds, bases: Vec::new() }
    }

    /// Returns the last bytes that a displacement from code at `from..to` to a target can have. In
    /// an image of less than 16 MiB they are 0 and 255, which three of four bytes of code are not.
    fn last_bytes(&self, from: u64, to: u64) -> [bool; 256] {
        let lowest = i128::from(self.bounds.0) * 8 - i128::from(to);
        let highest = i128::from(self.bounds.1) * 8 + 7 - i128::from(from);
        let mut last = [false; 256];
        let mut add = |lowest: i128, highest: i128| {
            for byte in (lowest >> 24..=highest >> 24).take(256) {
                last[usize::from(byte as u8)] = true;
            }
        };
        let clamped = |d: i128| d.clamp(i32::MIN.into(), i32::MAX.into());
        add(clamped(lowest), clamped(highest));
        // For an 8-byte number the scan looks at the fourth byte.
        for base in self.bases.iter().copied().map(i128::from) {
            add(i128::from(self.bounds.0) * 8 - base, i128::from(self.bounds.1) * 8 + 7 - base);
            // The distance from the code itself, with which it finds the base.
            add(base - i128::from(to), base - i128::from(from));
        }
        last
    }

    /// Adds a candidate if `destination` is a target.
    #[inline(always)]
    fn check(&self, destination: u64, field: u64, form: FieldForm, found: &mut Vec<Candidate>) {
        let bit = (destination / 8) & self.mask;
        // The mask keeps the index in bounds.
        let may_be = self.filter[(bit / 64) as usize] >> (bit % 64) & 1 != 0;
        if may_be && let Some((target, is_exact)) = self.find(destination) {
            found.push(Candidate { field, target, destination, is_exact, form });
        }
    }

    /// Returns what is at `address`; for an address inside a trampoline, the trampoline.
    fn find(&self, address: u64) -> Option<(Target, bool)> {
        let here = self.by_quadword.get(&(address / 8))?;
        let exact = here.iter().find(|(a, _)| *a == address);
        let around =
            || here.iter().find(|(a, t)| *a < address && matches!(t, Target::Trampoline(_)));
        exact.or_else(around).map(|&(a, t)| (t, a == address))
    }
}

/// Returns the candidates in all code, by address.
pub(crate) fn candidates(
    image: &Image<'_>,
    targets: &Targets,
    trampolines: &[u64],
    has_absolute: bool,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for section in image.code() {
        let Some(data) = image.section_data(section) else { continue };
        in_parts(data, section.address, targets, &mut found);
        if has_absolute {
            absolute(data, section.address, targets, &mut found);
        }
    }
    for &t in trampolines {
        let Some(section) = image.code_section(t) else { continue };
        let Some(data) = image.section_data(section) else { continue };
        short(data, section.address, t, targets, &mut found);
    }
    wide::settle(image, &mut found);
    sort::by_key(&mut found, |c| [c.field, c.form as u64]);
    found
}

/// Runs [`in_part`], with several threads if there is much code.
fn in_parts(data: &[u8], address: u64, targets: &Targets, found: &mut Vec<Candidate>) {
    let count = threads::count(data.len(), PART);
    let size = data.len().div_ceil(count).max(PART);
    let part = |n: usize| {
        // The fields that begin in the part, and the byte before the first.
        let (from, to) = (n * size, (n + 1).saturating_mul(size).saturating_add(4));
        let mut found = Vec::new();
        in_part(data, from..to.min(data.len()), address, targets, &mut found);
        found
    };
    found.extend(threads::each(count, part).into_iter().flatten());
}

/// Finds the fields in a part of the code that are displacements or 8-byte numbers.
fn in_part(
    data: &[u8],
    part: Range<usize>,
    address: u64,
    targets: &Targets,
    found: &mut Vec<Candidate>,
) {
    let from = part.start;
    let part = data.get(part).unwrap_or_default();
    let start = address + from as u64;
    let last = targets.last_bytes(start, start + part.len() as u64);
    each_field(part, &BEFORE, &last, |i, number| {
        let field = start.wrapping_add(i as u64);
        // There is always a byte before a field.
        if part[i - 1] & 0xf8 == wide::MOVABS {
            wide::check(targets, data, from + i, field, found);
        } else {
            let destination = field.wrapping_add(4).wrapping_add_signed(i64::from(number as i32));
            targets.check(destination, field, FieldForm::Relative, found);
        }
    });
}

fn absolute(data: &[u8], address: u64, targets: &Targets, found: &mut Vec<Candidate>) {
    // An address is a displacement from 0, without a sign.
    let mut last = targets.last_bytes(0, 0);
    if targets.bounds.1 >= 1 << 28 {
        last = [true; 256];
    }
    each_field(data, &[true; 256], &last, |i, field| {
        targets.check(field.into(), address + i as u64, FieldForm::Absolute, found);
    });
}

/// The bytes that can come before a 4-byte displacement: the opcode of a call (`e8`), a jump (`e9`)
/// or a conditional jump (`0f 80` to `0f 8f`), the second byte of `xbegin` (`c7 f8`), or a ModR/M
/// byte with mod 0 and r/m 5, an operand relative to `%rip` (SDM vol. 2, table 2-2 and section
/// 2.2.1.6).
const BEFORE_RELATIVE: [bool; 256] = {
    let mut before = [false; 256];
    let mut i = 0;
    while i < 256 {
        before[i] = matches!(i, 0xe8 | 0xe9 | 0x80..=0x8f | 0xf8) || i & 0xc7 == 5;
        i += 1;
    }
    before
};

/// [`BEFORE_RELATIVE`] and the opcodes of `movabs`.
const BEFORE: [bool; 256] = {
    let mut before = BEFORE_RELATIVE;
    let mut i = 0;
    while i < 8 {
        before[wide::MOVABS as usize + i] = true;
        i += 1;
    }
    before
};

/// Passes to `each` the four bytes at every place where the last of them is in `last` and the byte
/// before them is in `before`: an instruction has at least one byte there.
///
/// Plain loops and indices, no iterators: a link hook is usually built without optimisation, as
/// build scripts are, and would spend most of its time here. One lookup of a byte answers both
/// questions, and no branch depends on the answers, which are unpredictable.
#[inline(always)]
fn each_field(
    data: &[u8],
    before: &[bool; 256],
    last: &[bool; 256],
    mut each: impl FnMut(usize, u32),
) {
    const BLOCK: usize = 1024;
    // Bit 0: a field can end with the byte. Bit 4: a field can follow it.
    let mut classes = [0_u8; 256];
    for (class, (&last, &before)) in classes.iter_mut().zip(last.iter().zip(before)) {
        *class = u8::from(last) | u8::from(before) << 4;
    }
    let mut ends = [0; BLOCK];
    // Bit n: a field can follow the byte 4 - n before this one.
    let mut history = 0_u32;
    let mut i = 0;
    while i < data.len() {
        let stop = if data.len() - i > BLOCK { i + BLOCK } else { data.len() };
        let mut count = 0;
        while i < stop {
            let class = classes[data[i] as usize] as u32;
            ends[count] = i;
            count += (history & class & 1) as usize;
            history = history >> 1 | class >> 1 & 8;
            i += 1;
        }
        let mut n = 0;
        while n < count {
            let end = ends[n];
            let [a, b, c, d] = [data[end - 3], data[end - 2], data[end - 1], data[end]];
            each(end - 3, a as u32 | (b as u32) << 8 | (c as u32) << 16 | (d as u32) << 24);
            n += 1;
        }
    }
}

/// Finds jumps with an 8-bit displacement (`eb`, `70` to `7f`, `e0` to `e3`) near a trampoline.
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
