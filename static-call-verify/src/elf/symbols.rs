//! Symbols and their names.

use object::LittleEndian as LE;
use object::elf::{self, Sym64};

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
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// Returns `None` for a symbol that names no address of the image in memory. If its section is not
/// loaded, its value is usually an offset, which can equal an address of code.
pub(super) fn symbol<'a>(
    s: &Sym64<LE>,
    names: &'a [u8],
    sections: &[Section<'_>],
) -> Option<Symbol<'a>> {
    let kind = s.st_type();
    if matches!(kind, elf::STT_SECTION | elf::STT_FILE | elf::STT_TLS) {
        return None;
    }
    let is_placed = match s.st_shndx.get(LE) {
        elf::SHN_UNDEF | elf::SHN_ABS | elf::SHN_COMMON => false,
        // If the section is unknown, keep the symbol: it can only add a doubt.
        section => section
            .index()
            .and_then(|index| sections.get(usize::from(index)))
            .is_none_or(Section::is_allocated),
    };
    is_placed.then_some(Symbol {
        names,
        name: s.st_name.get(LE),
        address: s.st_value.get(LE),
        size: s.st_size.get(LE),
        is_function: matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC),
        is_data: matches!(kind, elf::STT_OBJECT | elf::STT_COMMON),
    })
}
