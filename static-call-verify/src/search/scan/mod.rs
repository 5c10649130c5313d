//! Finds the places in machine code that may name a trampoline.
//!
//! Every direct branch and every operand relative to `%rip` ends in a 4-byte displacement counted
//! from the byte after it (an immediate can follow, but not in a form that takes an address). So
//! for every byte of code that can come before a displacement, the scan checks whether the next
//! four lead to a trampoline, or to a word that holds one. It checks a bitmap indexed by the low
//! bits of the quadword's number, which fits in the first-level cache. Whatever passes is looked
//! up.

use std::ops::Range;

use crate::elf::image::Image;
use crate::sort;
use crate::threads;

#[cfg(test)]
mod tests;
mod wide;
mod words;

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
    /// Sorted.
    all: Vec<(u64, Target)>,
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
        let mut all: Vec<(u64, Target)> = all.collect();
        sort::by_key(&mut all, |(address, _)| [*address, 0]);
        let bits = (all.len() * 64).next_power_of_two().max(FEWEST_BITS);
        let (mut filter, mask) = (vec![0; bits / 64], bits as u64 - 1);
        for (address, _) in &all {
            let bit = (address / 8) & mask;
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        let quadword = |at: Option<&(u64, Target)>| at.map(|(address, _)| address / 8);
        let bounds = quadword(all.first()).zip(quadword(all.last())).unwrap_or((u64::MAX, 0));
        Self { all, filter, mask, bounds, bases: Vec::new() }
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
        let quadword = destination / 8;
        if quadword < self.bounds.0 || quadword > self.bounds.1 {
            return;
        }
        let bit = quadword & self.mask;
        // The mask keeps the index in bounds.
        let may_be = self.filter[(bit / 64) as usize] >> (bit % 64) & 1 != 0;
        if may_be && let Some((target, is_exact)) = self.find(destination) {
            found.push(Candidate { field, target, destination, is_exact, form });
        }
    }

    /// Returns what is at `address`; for an address inside a trampoline, the trampoline.
    fn find(&self, address: u64) -> Option<(Target, bool)> {
        let mut around = None;
        for &(here, target) in &self.all[sort::place(&self.all, address / 8 * 8, |t| t.0)..] {
            if here == address {
                return Some((target, true));
            }
            if here > address {
                break;
            }
            if around.is_none() && matches!(target, Target::Trampoline(_)) {
                around = Some((target, false));
            }
        }
        around
    }
}

/// Returns the candidates in all code, by address. `trampolines` are sorted.
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
        short(data, section.address, trampolines, targets, &mut found);
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
    each_field(part, &BEFORE, &last, |at, before, number| {
        let field = start + at as u64 + 1;
        if before & 0xf8 == wide::MOVABS {
            wide::check(targets, data, from + at + 1, field, found);
        } else {
            let destination = (field + 4).wrapping_add(number as i32 as u64);
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
    each_field(data, &[true; 256], &last, |at, _, number| {
        targets.check(number.into(), address + at as u64 + 1, FieldForm::Absolute, found);
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
/// before them is in `before`: an instruction has at least one byte there. Passes the place of the
/// byte before them, that byte, and them.
///
/// Plain loops and indices, no iterators: a link hook is usually built without optimisation, as
/// build scripts are, and would spend most of its time here. So eight places are looked at together
/// (`words`), and few are left.
#[inline(always)]
fn each_field(
    data: &[u8],
    before: &[bool; 256],
    last: &[bool; 256],
    mut each: impl FnMut(usize, u8, u32),
) {
    const BLOCK: usize = 64;
    let compared = words::compared(last);
    let follows_any = !before.contains(&false);
    let (words, _) = data.as_chunks();
    let mut next = words.first().map_or(0, |word| u64::from_le_bytes(*word));
    let mut found = [(0, 0); 8 * BLOCK];
    let mut n = 1;
    while n < words.len() {
        let stop = if words.len() - n > BLOCK { n + BLOCK } else { words.len() };
        let mut count = 0;
        while n < stop {
            // Fields extend into the next word.
            let word = next;
            next = u64::from_le_bytes(words[n]);
            n += 1;
            let mut places = words::may_be_last(word >> 32 | next << 32, compared);
            if !follows_any {
                places &= words::may_be_before(word);
            }
            while places != 0 {
                let bit = places.trailing_zeros();
                places &= places - 1;
                let field = ((word as u128 | (next as u128) << 64) >> (bit - 7)) as u64;
                found[count] = ((n - 2) * 8 + bit as usize / 8, field);
                // No branch depends on bytes, which are unpredictable.
                let is_last = last[(field >> 32) as u8 as usize];
                count += (is_last & before[field as u8 as usize]) as usize;
            }
        }
        let mut i = 0;
        while i < count {
            let (at, field) = found[i];
            each(at, field as u8, (field >> 8) as u32);
            i += 1;
        }
    }
    let mut at = (n - 1) * 8;
    while at + 4 < data.len() {
        let [a, b, c, d] = [data[at + 1], data[at + 2], data[at + 3], data[at + 4]];
        if last[d as usize] && before[data[at] as usize] {
            each(at, data[at], u32::from_le_bytes([a, b, c, d]));
        }
        at += 1;
    }
}

/// Finds jumps with an 8-bit displacement (`eb`, `70` to `7f`, `e0` to `e3`) near trampolines,
/// which are sorted.
fn short(
    data: &[u8],
    address: u64,
    trampolines: &[u64],
    targets: &Targets,
    found: &mut Vec<Candidate>,
) {
    const REACH: u64 = 130;
    let last = address.saturating_add(data.len() as u64).saturating_sub(1);
    // Most trampolines lie beside each other: each place is looked at once.
    let mut at = address;
    for &trampoline in &trampolines[sort::place(trampolines, address, |t| *t)..] {
        if trampoline > last {
            break;
        }
        at = at.max(trampoline.saturating_sub(REACH));
        let end = last.min(trampoline.saturating_add(REACH + 8));
        while at < end {
            let i = (at - address) as usize;
            if matches!(data[i], 0xeb | 0x70..=0x7f | 0xe0..=0xe3) {
                let destination = (at + 2).wrapping_add_signed(data[i + 1].cast_signed().into());
                targets.check(destination, at + 1, FieldForm::Short, found);
            }
            at += 1;
        }
    }
}
