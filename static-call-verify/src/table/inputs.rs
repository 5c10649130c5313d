//! Computes how big a table an image will need, from the relocations of the linker's inputs, and
//! how many jump labels it can have.

use std::collections::{HashMap, HashSet};

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, SectionHeader64};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, Rela, SectionHeader, SectionTable, Sym};
use static_call::layout::{LABELS_SECTION, LabelRecord, TRAMPOLINES_SECTION};

/// Counts relocations against trampolines, and jump labels, over all inputs of a link.
#[derive(Clone, Debug, Default)]
pub struct InputCounter {
    /// References to trampolines of the same object.
    own: u32,
    /// Trampolines that other objects can name.
    defined: HashSet<Vec<u8>>,
    /// References to undefined symbols that may be trampolines.
    undefined: HashMap<Vec<u8>, u32>,
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
        for (name, count) in other.undefined {
            let all = self.undefined.entry(name).or_default();
            *all = all.saturating_add(count);
        }
    }

    /// Returns the most entries that a table for the inputs so far can need. Inputs without machine
    /// code (bitcode, for link-time optimisation in the linker) are not counted.
    #[must_use]
    pub fn entries(&self) -> u32 {
        let named = self.undefined.iter().filter(|(name, _)| self.defined.contains(*name));
        named.fold(self.own, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Returns the most jump labels that an image of the inputs so far can have.
    #[must_use]
    pub fn labels(&self) -> u32 {
        self.labels
    }

    fn object(&mut self, bytes: &[u8]) -> object::Result<()> {
        let header = FileHeader64::<LE>::parse(bytes)?;
        if header.e_type(LE) != elf::ET_REL || header.e_machine(LE) != elf::EM_X86_64 {
            return Ok(());
        }
        let sections = header.sections(LE, bytes)?;
        // Sections of an object do not overlap. Overlapping ones would be read many times.
        let in_file = sections.iter().filter(|s| s.sh_type(LE) != elf::SHT_NOBITS);
        let total = in_file.map(|s| s.sh_size(LE)).fold(0, u64::saturating_add);
        let is_relevant = sections.iter().any(may_be_records);
        if total / 2 > bytes.len() as u64
            || !(is_relevant || mentions_trampolines(&sections, bytes))
        {
            return Ok(());
        }
        self.labels = self.labels.saturating_add(labels(&sections));
        let symbols = sections.symbols(LE, bytes, elf::SHT_SYMTAB)?;
        let code = trampoline_sections(&sections);
        for (index, symbol) in symbols.enumerate() {
            let section = symbols.symbol_section(LE, symbol, index)?;
            let is_named = symbol.st_bind() != elf::STB_LOCAL;
            if is_named && section.is_some_and(|s| code.contains(&s.0)) {
                self.defined.insert(symbols.symbol_name(LE, symbol)?.to_vec());
            }
        }
        // Counted by symbol, since many relocations name the same one.
        let mut counts = vec![0_u32; symbols.len()];
        for section in sections.iter() {
            let Some((relocations, _)) = section.rela(LE, bytes)? else { continue };
            let place = sections.section(object::SectionIndex(section.sh_info(LE) as usize))?;
            if !is_counted(sections.section_name(LE, place)?, place.sh_flags(LE)) {
                continue;
            }
            for relocation in relocations {
                let index = relocation.symbol(LE, false);
                if let Some(count) = index.and_then(|index| counts.get_mut(index.0)) {
                    *count = count.saturating_add(1);
                }
            }
        }
        for (index, symbol) in symbols.enumerate() {
            let count = counts.get(index.0).copied().unwrap_or_default();
            if count == 0 {
                continue;
            }
            match symbols.symbol_section(LE, symbol, index)? {
                Some(s) if code.contains(&s.0) => self.own = self.own.saturating_add(count),
                None if symbol.is_undefined(LE) => {
                    let name = symbols.symbol_name(LE, symbol)?;
                    if has_mark(name) {
                        let all = self.undefined.entry(name.to_vec()).or_default();
                        *all = all.saturating_add(count);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns whether the name of a section or symbol is that of a trampoline. In an object with debug
/// information, names are a small part.
fn mentions_trampolines(sections: &SectionTable<'_, FileHeader64<LE>>, bytes: &[u8]) -> bool {
    let tables = sections.iter().filter(|s| s.sh_type(LE) == elf::SHT_STRTAB);
    let mut names = tables.filter_map(|s| s.data(LE, bytes).ok());
    names.any(has_mark)
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

/// Returns the number of jump labels.
fn labels(sections: &SectionTable<'_, FileHeader64<LE>>) -> u32 {
    let is_named = |s: &&SectionHeader64<LE>| {
        let name = sections.section_name(LE, s);
        may_be_records(s) && name.is_ok_and(|n| n == LABELS_SECTION.as_bytes())
    };
    let size = sections.iter().filter(is_named).map(|s| s.sh_size(LE));
    let count = size.fold(0, u64::saturating_add) / LabelRecord::SIZE as u64;
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns the code sections that records are linked to.
fn trampoline_sections(sections: &SectionTable<'_, FileHeader64<LE>>) -> HashSet<usize> {
    sections
        .iter()
        .filter(|s| s.sh_flags(LE).contains(elf::SHF_LINK_ORDER))
        .filter(|s| sections.section_name(LE, s).is_ok_and(|n| n == TRAMPOLINES_SECTION.as_bytes()))
        .map(|s| s.sh_link(LE) as usize)
        .collect()
}

/// Returns whether references from a section can become entries of the table. Those from the
/// records themselves, from unwind tables and from debug information cannot.
fn is_counted(name: &[u8], flags: elf::SectionFlags) -> bool {
    flags.contains(elf::SHF_ALLOC) && name != TRAMPOLINES_SECTION.as_bytes() && name != b".eh_frame"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(own: u32, defined: &[&str], undefined: &[(&str, u32)]) -> InputCounter {
        let name = |name: &str| name.as_bytes().to_vec();
        InputCounter {
            own,
            defined: defined.iter().map(|n| name(n)).collect(),
            undefined: undefined.iter().map(|(n, count)| (name(n), *count)).collect(),
            labels: own,
        }
    }

    #[test]
    fn counts_are_merged() {
        let mut all = counter(1, &["a"], &[("b", 10), ("x", 1000)]);
        all.merge(counter(2, &["b", "c"], &[("a", 20), ("b", 30), ("y", 1000)]));
        assert_eq!((all.entries(), all.labels()), (1 + 2 + 10 + 20 + 30, 1 + 2));
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
