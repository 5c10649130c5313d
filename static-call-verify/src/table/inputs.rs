//! Computes how big a table an image will need, from the relocations of the linker's inputs, and
//! how many jump labels it can have.
//!
//! Plain loops over the entries of an object, no iterators: a link hook is usually built without
//! optimisation, as build scripts are, and the objects of a program have many symbols.

use std::ffi::CStr;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, Rela64, SectionHeader64, Sym64};
use object::endian::U32;
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, SectionHeader};
use static_call::layout::{LABELS_SECTION, LabelRecord, TRAMPOLINES_SECTION};

use crate::sort;

/// Counts relocations against trampolines, and jump labels, over all inputs of a link.
#[derive(Clone, Debug, Default)]
pub struct InputCounter {
    /// References to trampolines of the same object.
    own: u32,
    /// Trampolines that other objects can name, by the hashes of their names. If two names have the
    /// same hash, the table gets bigger than it need be.
    defined: Vec<u64>,
    /// References to undefined symbols that may be trampolines: hash and number.
    undefined: Vec<(u64, u32)>,
    labels: u32,
}

impl InputCounter {
    /// Adds an input: an object or an archive. Anything else is ignored.
    pub fn add(&mut self, bytes: &[u8]) {
        // What does not parse is ignored: the linker will complain, or it needs no table.
        if !bytes.starts_with(b"!<arch>\n") {
            let _ = self.object(bytes);
            return;
        }
        let Ok(archive) = ArchiveFile::parse(bytes) else { return };
        for member in archive.members().flatten() {
            let Ok(member) = member.data(bytes) else { continue };
            let _ = self.object(member);
        }
    }

    /// Adds the counts of another counter.
    pub(crate) fn merge(&mut self, other: Self) {
        self.own = self.own.saturating_add(other.own);
        self.labels = self.labels.saturating_add(other.labels);
        self.defined.extend(other.defined);
        self.undefined.extend(other.undefined);
    }

    /// Returns the most entries that a table for the inputs so far can need. Inputs without machine
    /// code (bitcode, for link-time optimisation in the linker) are not counted.
    #[must_use]
    pub fn entries(&self) -> u32 {
        let mut defined = self.defined.clone();
        sort::by_key(&mut defined, |hash| [*hash, 0]);
        let mut entries = self.own;
        for (hash, count) in &self.undefined {
            if defined.binary_search(hash).is_ok() {
                entries = entries.saturating_add(*count);
            }
        }
        entries
    }

    /// Returns the most jump labels that an image of the inputs so far can have.
    #[must_use]
    pub fn labels(&self) -> u32 {
        self.labels
    }

    /// Adds an object. Returns `None` if it is damaged or not an object for this target.
    fn object(&mut self, bytes: &[u8]) -> Option<()> {
        let header = FileHeader64::<LE>::parse(bytes).ok()?;
        if header.e_type(LE) != elf::ET_REL || header.e_machine(LE) != elf::EM_X86_64 {
            return None;
        }
        let sections = Sections::read(header, bytes)?;
        let labels = sections.labels / LabelRecord::SIZE as u64;
        self.labels = self.labels.saturating_add(u32::try_from(labels).unwrap_or(u32::MAX));
        let (symbols, names) = sections.symbols()?;
        // Counted by symbol, since many relocations name the same one.
        let counts = sections.references(symbols.len())?;
        let mut index = 0;
        while index < symbols.len() {
            let (symbol, count) = (&symbols[index], counts[index]);
            let section = sections.of_symbol(symbol, index);
            index += 1;
            match section {
                Some(UNDEFINED) if count > 0 => {
                    let name = text(names, symbol.st_name.get(LE))?;
                    if has_mark(name) {
                        self.undefined.push((hash(name), count));
                    }
                }
                Some(section) if sections.has_trampolines[section] => {
                    self.own = self.own.saturating_add(count);
                    if symbol.st_bind() != elf::STB_LOCAL {
                        self.defined.push(hash(text(names, symbol.st_name.get(LE))?));
                    }
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// The section of a symbol that is not defined.
const UNDEFINED: usize = 0;

/// The sections of an object.
struct Sections<'o> {
    bytes: &'o [u8],
    all: &'o [SectionHeader64<LE>],
    names: &'o [u8],
    /// For each section, whether it is code that records of trampolines are linked to.
    has_trampolines: Vec<bool>,
    /// Bytes of records of jump labels.
    labels: u64,
    symbols: Option<&'o SectionHeader64<LE>>,
    /// The sections of symbols for which the symbols have no room.
    extended: &'o [U32<LE>],
}

impl<'o> Sections<'o> {
    /// Returns `None` if the object is damaged, or has neither records nor names of trampolines.
    fn read(header: &FileHeader64<LE>, bytes: &'o [u8]) -> Option<Self> {
        let all = header.section_headers(LE, bytes).ok()?;
        let names = header.shstrndx(LE, bytes).ok()?;
        let names = all.get(usize::try_from(names).ok()?)?.data(LE, bytes).ok()?;
        let has_trampolines = vec![false; all.len()];
        let (labels, symbols, extended) = (0, None, [].as_slice());
        let mut own = Self { bytes, all, names, has_trampolines, labels, symbols, extended };
        let (mut total, mut is_relevant) = (0_u64, false);
        let mut index = 0;
        while index < all.len() {
            let section = &all[index];
            index += 1;
            let kind = section.sh_type(LE);
            if kind != elf::SHT_NOBITS {
                total = total.saturating_add(section.sh_size(LE));
            }
            if may_be_records(section) {
                is_relevant = true;
                own.records(section);
            } else if kind == elf::SHT_SYMTAB {
                own.symbols = Some(section);
            } else if kind == elf::SHT_SYMTAB_SHNDX {
                own.extended = section.data_as_array(LE, bytes).ok()?;
            }
        }
        // Sections of an object do not overlap. Overlapping ones would be read many times.
        let is_sound = total / 2 <= bytes.len() as u64;
        (is_sound && (is_relevant || own.mention_trampolines())).then_some(own)
    }

    /// Notes a section that may have records.
    fn records(&mut self, section: &SectionHeader64<LE>) {
        if self.is_named(section, LABELS_SECTION) {
            self.labels = self.labels.saturating_add(section.sh_size(LE));
        } else if self.is_named(section, TRAMPOLINES_SECTION) {
            let code = self.has_trampolines.get_mut(section.sh_link(LE) as usize);
            *code.unwrap_or(&mut false) = true;
        }
    }

    fn is_named(&self, section: &SectionHeader64<LE>, name: &str) -> bool {
        let at = self.names.get(section.sh_name(LE) as usize..).unwrap_or_default();
        at.get(name.len()) == Some(&0) && at.starts_with(name.as_bytes())
    }

    /// Returns whether the name of a section or symbol is that of a trampoline. In an object with
    /// debug information, names are a small part.
    fn mention_trampolines(&self) -> bool {
        let tables = self.all.iter().filter(|s| s.sh_type(LE) == elf::SHT_STRTAB);
        let mut names = tables.filter_map(|s| s.data(LE, self.bytes).ok());
        names.any(has_mark)
    }

    /// Returns the symbols and their names.
    fn symbols(&self) -> Option<(&'o [Sym64<LE>], &'o [u8])> {
        let Some(section) = self.symbols else { return Some(Default::default()) };
        let names = self.all.get(section.sh_link(LE) as usize)?;
        let symbols = section.data_as_array(LE, self.bytes).ok()?;
        Some((symbols, names.data(LE, self.bytes).ok()?))
    }

    /// Returns the section of a symbol by its index; `None` if it has another kind of value.
    fn of_symbol(&self, symbol: &Sym64<LE>, index: usize) -> Option<usize> {
        let section = match symbol.st_shndx.get(LE) {
            elf::SHN_UNDEF => return Some(UNDEFINED),
            elf::SHN_XINDEX => self.extended.get(index)?.get(LE) as usize,
            section => section.index()?.into(),
        };
        Some(section).filter(|section| *section < self.all.len())
    }

    /// Returns the number of relocations against each symbol that can become entries of the table.
    /// Those of the records themselves, of unwind tables and of debug information cannot.
    fn references(&self, symbols: usize) -> Option<Vec<u32>> {
        let mut counts = vec![0_u32; symbols];
        let mut index = 0;
        while index < self.all.len() {
            let section = &self.all[index];
            index += 1;
            if section.sh_type(LE) != elf::SHT_RELA {
                continue;
            }
            let place = self.all.get(section.sh_info(LE) as usize)?;
            if !place.sh_flags(LE).contains(elf::SHF_ALLOC)
                || self.is_named(place, TRAMPOLINES_SECTION)
                || self.is_named(place, ".eh_frame")
            {
                continue;
            }
            let start = usize::try_from(section.sh_offset(LE)).ok()?;
            let relocations = self.bytes.get(start..)?.get(..section.sh_size(LE) as usize)?;
            let (relocations, _) = relocations.as_chunks::<{ size_of::<Rela64<LE>>() }>();
            let mut n = 0;
            while n < relocations.len() {
                // After the offset and the type.
                let [.., a, b, c, d, _, _, _, _, _, _, _, _] = relocations[n];
                let symbol = u32::from_le_bytes([a, b, c, d]) as usize;
                if symbol < symbols {
                    counts[symbol] = counts[symbol].saturating_add(1);
                }
                n += 1;
            }
        }
        Some(counts)
    }
}

/// Returns the text at an offset of a string table.
fn text(names: &[u8], at: u32) -> Option<&[u8]> {
    let text = CStr::from_bytes_until_nul(names.get(at as usize..)?).ok()?;
    Some(text.to_bytes())
}

/// Returns a number that is rarely the same for two names.
fn hash(name: &[u8]) -> u64 {
    // An odd number whose bits look random: the golden ratio's fraction.
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = name.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut hash = name.len() as u64;
    let mut n = 0;
    while n <= words.len() {
        let word = u64::from_le_bytes(if n < words.len() { words[n] } else { last });
        let product = u128::from(hash ^ word) * FACTOR;
        hash = product as u64 ^ (product >> 64) as u64;
        n += 1;
    }
    hash
}

/// Returns whether some names contain `trampoline`. The name of every trampoline function and
/// [`TRAMPOLINES_SECTION`] contain it, so an object without it neither defines nor calls a
/// trampoline.
///
/// Uses Horspool's method ("Practical fast searching in strings", 1980): a link hook is usually
/// built without optimisation, as build scripts are, and then vector instructions are function
/// calls.
pub(crate) fn has_mark(names: &[u8]) -> bool {
    const MARK: &[u8] = b"trampoline";
    const LAST: usize = MARK.len() - 1;
    // How far the text can advance, by the byte at its end. Not a constant: without optimisation, a
    // constant is copied at each use.
    static SKIP: [usize; 256] = {
        let mut skip = [MARK.len(); 256];
        let mut i = 0;
        while i < LAST {
            skip[MARK[i] as usize] = LAST - i;
            i += 1;
        }
        skip
    };
    let mut end = LAST;
    while end < names.len() {
        let byte = names[end];
        // Many names have the last byte, few the last two.
        let is_end = byte == MARK[LAST] && names[end - 1] == MARK[LAST - 1];
        if is_end && names[end - LAST..].starts_with(MARK) {
            return true;
        }
        end += SKIP[byte as usize];
    }
    false
}

/// Returns whether a section may hold records of trampolines or jump labels, by its flags. Few
/// other sections have them.
pub(super) fn may_be_records(section: &SectionHeader64<LE>) -> bool {
    section.sh_flags(LE).contains(elf::SHF_ALLOC | elf::SHF_LINK_ORDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(own: u32, defined: &[&str], undefined: &[(&str, u32)]) -> InputCounter {
        let defined = defined.iter().map(|name| hash(name.as_bytes())).collect();
        let undefined = undefined.iter().map(|(name, count)| (hash(name.as_bytes()), *count));
        InputCounter { own, defined, undefined: undefined.collect(), labels: own }
    }

    #[test]
    fn names_have_different_hashes() {
        let mut hashes = std::collections::HashSet::new();
        let long = "_RNvCs1234_3lib10trampoline".repeat(3);
        for length in 0..long.len() {
            assert!(hashes.insert(hash(&long.as_bytes()[..length])));
            for bit in 0..8 * length {
                let mut name = long.as_bytes()[..length].to_vec();
                name[bit / 8] ^= 1 << (bit % 8);
                assert!(hashes.insert(hash(&name)), "{length} {bit}");
            }
        }
        assert!(hashes.insert(hash(&[0; 200])) && hashes.insert(hash(&[0; 201])));
    }

    #[test]
    fn counts_are_merged() {
        let mut all = counter(1, &["a"], &[("b", 10), ("x", 1000)]);
        all.merge(counter(2, &["b", "c"], &[("a", 20), ("b", 30), ("y", 1000)]));
        assert_eq!((all.entries(), all.labels()), (1 + 2 + 10 + 20 + 30, 1 + 2));
        // A second object defines the same function.
        all.merge(counter(0, &["b"], &[]));
        assert_eq!(all.entries(), 1 + 2 + 10 + 20 + 30);
        all.merge(counter(u32::MAX, &[], &[("b", u32::MAX)]));
        assert_eq!((all.entries(), all.labels()), (u32::MAX, u32::MAX));
    }

    #[test]
    fn marks_are_found_anywhere() {
        let mark = b"trampoline";
        for before in 0..40 {
            let text: Vec<u8> = b"trampolintrampo".iter().cycle().take(before).copied().collect();
            assert!(!has_mark(&text));
            assert!(has_mark(&[&text, &mark[..]].concat()));
            assert!(has_mark(&[&text, &mark[..], b"17hE\0"].concat()));
            assert!(!has_mark(&[&text, &mark[..9], b"\0"].concat()), "{before}");
        }
    }
}
