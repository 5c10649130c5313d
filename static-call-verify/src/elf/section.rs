//! Sections: ranges that the linker named.

use object::elf;
use static_call::layout::{PLACES_SECTION, TABLE_SECTION};

/// The kind of a section without bytes in the file.
const SHT_NOBITS: u32 = elf::SHT_NOBITS.0;

/// A section. Its bytes may lie outside the file until
/// [`section_data`](super::image::Image::section_data) has checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) link: u32,
}

impl Section<'_> {
    pub(crate) fn is_allocated(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    /// Returns whether it has bytes in the file.
    pub(crate) fn has_bytes(&self) -> bool {
        !matches!(self.kind, 0 | SHT_NOBITS) && self.size != 0
    }

    /// Returns whether it is machine code that is in the file.
    pub(crate) fn is_code(&self) -> bool {
        self.is_allocated()
            && self.flags & elf::SHF_EXECINSTR.0 != 0
            && self.kind == elf::SHT_PROGBITS.0
    }

    pub(crate) fn is_plt(&self) -> bool {
        self.name.starts_with(b".plt") || self.name.starts_with(b".iplt")
    }

    pub(crate) fn is_got(&self) -> bool {
        matches!(self.name, b".got" | b".got.plt")
    }

    /// Returns whether stamping writes it. Then it is not data of the program: what it holds must
    /// not change anything that is read.
    pub(crate) fn is_stamped(&self) -> bool {
        [TABLE_SECTION, PLACES_SECTION].iter().any(|name| self.name == name.as_bytes())
    }

    pub(crate) fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < self.size
    }
}
