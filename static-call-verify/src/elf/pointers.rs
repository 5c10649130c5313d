//! Finds addresses in data: dynamic relocations (RELA, RELR) and, in an executable at fixed
//! addresses, the words themselves.

use object::elf::{self, Rela64, Relr64};
use object::read::elf::RelrIterator;
use object::{LittleEndian as LE, pod};

use super::image::Image;
use super::section::Section;
use crate::report::ImageKind;
use crate::sort;

/// What the loader puts into a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// An address in this image, whatever else is loaded.
    Address(u64),
    /// The address of a symbol that this image defines and another image can replace.
    Interposable(u64),
    /// Something else.
    Unknown,
}

impl Value {
    /// Returns the address, even if another image could replace it.
    fn address(self) -> Option<u64> {
        match self {
            Self::Address(a) | Self::Interposable(a) => Some(a),
            Self::Unknown => None,
        }
    }
}

/// A word that holds the address of a trampoline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) place: u64,
    pub(crate) trampoline: u64,
    /// Whether nothing else can be stored there: a GOT slot that the link has resolved, in memory
    /// that is read-only once the loader has finished.
    pub(crate) is_constant: bool,
    pub(crate) is_got: bool,
}

/// The pointers that matter: those in records, and those to trampolines.
#[derive(Debug, Default)]
pub(crate) struct Pointers {
    in_records: Words,
    /// What the loader puts into slots of the global offset table.
    in_slots: Words,
    holders: Vec<Holder>,
}

/// Values of words, sorted by place.
#[derive(Debug, Default)]
struct Words(Vec<(u64, Value)>);

impl Words {
    /// Sorts words. Of one place, the last stays.
    fn new(mut words: Vec<(u64, Value)>) -> Self {
        sort::by_key(&mut words, |(place, _)| [*place, 0]);
        let mut sorted: Vec<(u64, Value)> = Vec::with_capacity(words.len());
        for word in words {
            match sorted.last_mut().filter(|last| last.0 == word.0) {
                Some(last) => *last = word,
                None => sorted.push(word),
            }
        }
        Self(sorted)
    }

    fn at(&self, place: u64) -> Option<Value> {
        let found = self.0.get(sort::place(&self.0, place, |word| word.0));
        found.filter(|word| word.0 == place).map(|word| word.1)
    }

    /// Marks words as unknown that share bytes with another relocated word.
    fn forget_overlapping(words: &mut [(u64, Value)]) {
        sort::by_key(words, |(place, _)| [*place, 0]);
        for i in 1..words.len() {
            if words[i].0 - words[i - 1].0 < 8 {
                words[i - 1].1 = Value::Unknown;
                words[i].1 = Value::Unknown;
            }
        }
    }
}

impl Pointers {
    /// Reads all relocations once, and keeps those in `records` and those to `trampolines`, which
    /// are sorted.
    pub(crate) fn collect(image: &Image<'_>, records: &[Section<'_>], trampolines: &[u64]) -> Self {
        let gots: Vec<&Section<'_>> = image.sections.iter().filter(|s| s.is_got()).collect();
        let is_in_got = |place: u64| gots.iter().any(|s| s.contains(place));
        let first = trampolines.first().copied().unwrap_or_default();
        let last = trampolines.last().copied().unwrap_or_default();
        let is_trampoline = |address: u64| {
            // Most addresses are of something else.
            address >= first
                && address <= last
                && trampolines.get(sort::place(trampolines, address, |t| *t)) == Some(&address)
        };
        let (mut in_records, mut words) = (Vec::new(), Vec::new());
        for_each_relocation(image, |place, value| {
            for section in records {
                if section.contains(place) {
                    in_records.push((place, value));
                }
            }
            // Keep all relocations of slots: a slot with a trampoline may have a second relocation.
            let mut is_kept = value.address().is_some_and(is_trampoline);
            for got in &gots {
                is_kept |= got.contains(place) || got.contains(place.wrapping_add(7));
            }
            if is_kept {
                words.push((place, value));
            }
        });
        // With two relocations of one word, its value is unknown.
        Words::forget_overlapping(&mut words);
        let mut words = Words::new(words);
        if image.kind == ImageKind::Executable {
            let mut others = Vec::new();
            for_each_word(image, |place, address| {
                if is_trampoline(address) && words.at(place).is_none() {
                    others.push((place, Value::Address(address)));
                }
            });
            words.0.extend(others);
            words = Words::new(words.0);
        }
        let mut holders = Vec::new();
        for &(place, value) in &words.0 {
            let Some(trampoline) = value.address().filter(|a| is_trampoline(*a)) else { continue };
            let is_got = image.section_at(place).is_some_and(|s| s.is_got());
            let is_constant =
                is_got && matches!(value, Value::Address(_)) && image.is_read_only(place, 8);
            holders.push(Holder { place, trampoline, is_constant, is_got });
        }
        words.0.retain(|(place, _)| is_in_got(*place));
        Self { in_records: Words::new(in_records), in_slots: words, holders }
    }

    /// Returns the words that hold a trampoline's address, by place.
    pub(crate) fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// Returns the address in a slot of the global offset table, even if another image could
    /// replace it. For a slot without a relocation this is the word itself.
    pub(crate) fn in_slot(&self, image: &Image<'_>, place: u64) -> Option<u64> {
        match self.in_slots.at(place) {
            Some(value) => value.address(),
            None => image.word(place),
        }
    }

    /// Returns the address in a slot of the global offset table that nothing can change once the
    /// program runs.
    pub(crate) fn in_fixed_slot(&self, image: &Image<'_>, place: u64) -> Option<u64> {
        let is_slot = image.section_at(place).is_some_and(|s| s.is_got());
        if !is_slot || !image.is_read_only(place, 8) {
            return None;
        }
        fixed(self.in_slots.at(place), image, place)
    }

    /// Returns the pointer of a record at `place`, if no other image can replace it.
    pub(crate) fn resolve_fixed(&self, image: &Image<'_>, place: u64) -> Option<u64> {
        fixed(self.in_records.at(place), image, place)
    }

    /// Returns the pointer of a record at `place`.
    pub(crate) fn resolve(&self, image: &Image<'_>, place: u64) -> Option<u64> {
        match self.in_records.at(place) {
            Some(value) => value.address(),
            None => image.word(place),
        }
    }
}

/// Returns an address of this image in a word with this relocation.
fn fixed(relocation: Option<Value>, image: &Image<'_>, place: u64) -> Option<u64> {
    match relocation {
        Some(Value::Address(address)) => Some(address),
        Some(Value::Interposable(_) | Value::Unknown) => None,
        None => image.word(place),
    }
}

/// Calls `each` for every word that the loader relocates.
fn for_each_relocation(image: &Image<'_>, mut each: impl FnMut(u64, Value)) {
    for section in image.sections.iter().filter(|s| s.is_allocated()) {
        let Some(data) = image.section_data(section) else { continue };
        if section.kind == elf::SHT_RELA.0 {
            let count = data.len() / size_of::<Rela64<LE>>();
            let relocations: &[Rela64<LE>] =
                pod::slice_from_bytes(data, count).map(|(r, _)| r).unwrap_or_default();
            for r in relocations {
                each(r.r_offset.get(LE), rela_value(image, r));
            }
        } else if section.kind == elf::SHT_RELR.0 {
            let count = data.len() / size_of::<Relr64<LE>>();
            let relocations: &[Relr64<LE>] =
                pod::slice_from_bytes(data, count).map(|(r, _)| r).unwrap_or_default();
            for place in RelrIterator::<elf::FileHeader64<LE>>::new(LE, relocations) {
                each(place, image.word(place).map_or(Value::Unknown, Value::Address));
            }
        }
    }
}

fn rela_value(image: &Image<'_>, r: &Rela64<LE>) -> Value {
    let addend = r.r_addend.get(LE);
    match r.r_type(LE, false) {
        elf::R_X86_64_RELATIVE => Value::Address(addend.cast_unsigned()),
        elf::R_X86_64_64 | elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => {
            match image.dynamic_symbol(r.r_sym(LE, false)) {
                Some(symbol) => Value::Interposable(symbol.address.wrapping_add_signed(addend)),
                None => Value::Unknown,
            }
        }
        _ => Value::Unknown,
    }
}

/// Calls `each` for every aligned word of the program's data, in images whose pointers need no
/// relocation.
fn for_each_word(image: &Image<'_>, mut each: impl FnMut(u64, u64)) {
    let is_data = |s: &&Section<'_>| s.is_allocated() && !s.is_code() && !s.is_stamped();
    for section in image.sections.iter().filter(is_data) {
        let Some(data) = image.section_data(section) else { continue };
        let skip = section.address.wrapping_neg() % 8;
        let Some(aligned) = usize::try_from(skip).ok().and_then(|s| data.get(s..)) else {
            continue;
        };
        let mut place = section.address.wrapping_add(skip);
        for word in aligned.as_chunks::<8>().0 {
            each(place, u64::from_le_bytes(*word));
            place = place.wrapping_add(8);
        }
    }
}
