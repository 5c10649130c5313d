//! Symbols and their names.

use std::ffi::CStr;

use object::elf::{self, SymbolSection, SymbolType};
use object::pod;

use super::section::Section;

/// A symbol of a function, or any other that lies in a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol<'a> {
    names: &'a [u8],
    name: u32,
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) is_function: bool,
    pub(crate) is_data: bool,
}

impl<'a> Symbol<'a> {
    /// Returns the name. It is looked up only here: most symbols are skipped, and names are long.
    pub(crate) fn name(&self) -> &'a [u8] {
        text(self.names, self.name)
    }
}

#[cfg(test)]
impl<'a> Symbol<'a> {
    /// Returns a function whose name is at an offset of `names`.
    pub(crate) fn of_function(names: &'a [u8], name: u32, address: u64, size: u64) -> Self {
        Self { names, name, address, size, is_function: true, is_data: false }
    }
}

/// Returns the text at an offset of a string table, cut off if it is very long.
pub(super) fn text(names: &[u8], at: u32) -> &[u8] {
    const LONGEST: usize = 1 << 12;
    let name = usize::try_from(at).ok().and_then(|at| names.get(at..)).unwrap_or_default();
    let name = name.get(..LONGEST).unwrap_or(name);
    CStr::from_bytes_until_nul(name).map_or(name, CStr::to_bytes)
}

/// The symbols of an image and their names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SymbolTable<'a> {
    entries: &'a [Entry],
    names: &'a [u8],
}

/// A symbol as three words: name, kind and section in one; value; size. To read one word costs as
/// much as to read a field, in a link hook that is built without optimisation.
type Entry = [[u8; 8]; 3];

impl<'a> SymbolTable<'a> {
    pub(super) fn new(data: &'a [u8], names: &'a [u8]) -> Self {
        let entries = pod::slice_from_bytes(data, data.len() / size_of::<Entry>());
        Self { entries: entries.map(|(entries, _)| entries).unwrap_or_default(), names }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the symbols that name an address of the image in memory.
    pub(super) fn all(&self, sections: &[Section<'_>]) -> Vec<Symbol<'a>> {
        let mut all = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            if let Some(symbol) = self.symbol(entry, sections) {
                all.push(symbol);
            }
        }
        all
    }

    /// Returns a symbol by its index.
    pub(super) fn at(&self, index: u32, sections: &[Section<'_>]) -> Option<Symbol<'a>> {
        self.symbol(self.entries.get(usize::try_from(index).ok()?)?, sections)
    }

    /// Returns `None` for a symbol that names no address of the image in memory. If its section is
    /// not loaded, its value is usually an offset, which can equal an address of code.
    fn symbol(&self, entry: &Entry, sections: &[Section<'_>]) -> Option<Symbol<'a>> {
        let [first, value, size] = *entry;
        let first = u64::from_le_bytes(first);
        let kind = SymbolType((first >> 32) as u8 & 0xf);
        let section = (first >> 48) as u16;
        if matches!(kind, elf::STT_SECTION | elf::STT_FILE | elf::STT_TLS)
            || matches!(SymbolSection(section), elf::SHN_UNDEF | elf::SHN_ABS | elf::SHN_COMMON)
            // If the section is unknown, keep the symbol: it can only add a doubt.
            || sections.get(section as usize).is_some_and(|s| !s.is_allocated())
        {
            return None;
        }
        Some(Symbol {
            names: self.names,
            name: first as u32,
            address: u64::from_le_bytes(value),
            size: u64::from_le_bytes(size),
            is_function: matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC),
            is_data: matches!(kind, elf::STT_OBJECT | elf::STT_COMMON),
        })
    }
}
