//! Symbols and their names.

use object::LittleEndian as LE;
use object::elf::{self, Sym64};

/// A symbol of a function, or any other that stands in a section.
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
    /// Looked for only here: most symbols are passed over, and their names are long.
    pub(crate) fn name(&self) -> &'a [u8] {
        text(self.names, self.name)
    }
}

/// The text at an offset of a string table, or its beginning where it is absurdly long.
pub(super) fn text(names: &[u8], at: u32) -> &[u8] {
    const LONGEST: usize = 1 << 12;
    let name = usize::try_from(at).ok().and_then(|at| names.get(at..)).unwrap_or_default();
    let name = name.get(..LONGEST).unwrap_or(name);
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

pub(super) fn symbol<'a>(s: &Sym64<LE>, names: &'a [u8]) -> Option<Symbol<'a>> {
    let section = s.st_shndx.get(LE);
    let kind = s.st_type();
    let is_placed = section != elf::SHN_UNDEF && section != elf::SHN_ABS;
    if !is_placed || matches!(kind, elf::STT_SECTION | elf::STT_FILE | elf::STT_TLS) {
        return None;
    }
    Some(Symbol {
        names,
        name: s.st_name.get(LE),
        address: s.st_value.get(LE),
        size: s.st_size.get(LE),
        is_function: matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC),
        is_data: kind == elf::STT_OBJECT,
    })
}
