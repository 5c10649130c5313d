//! What the oracles need before they read code: where the trampolines are, and which words of the
//! global offset table hold their addresses.

use std::collections::BTreeSet;
use std::ops::Range;

use object::elf;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader};
use object::{LittleEndian, Object, ObjectSection, RelocationFlags, RelocationTarget};
use object::{ObjectSymbol, ObjectSymbolTable, SectionFlags};

use crate::run::Result;

pub(super) type File<'a> = ElfFile64<'a, LittleEndian>;

pub(super) const RECORDS: &str = "static_call_0_1_trampolines";

pub(super) struct Facts {
    /// The trampolines, by record.
    pub(super) trampolines: BTreeSet<u64>,
    /// Words of the global offset table that hold a trampoline's address, and that address.
    slots: Vec<(u64, u64)>,
    /// The sections of code.
    code: Vec<Range<u64>>,
    /// Whether the image has its final addresses.
    pub(super) is_fixed: bool,
}

impl Facts {
    pub(super) fn read(image: &[u8]) -> Result<Self> {
        let file = File::parse(image)?;
        let mut facts = Self {
            trampolines: BTreeSet::new(),
            slots: Vec::new(),
            code: code(&file).map(|s| s.address()..s.address() + s.size()).collect(),
            is_fixed: file.elf_header().e_type(LittleEndian) == elf::ET_EXEC,
        };
        // mold makes two sections of this name, one with records and one with the anchor.
        for section in file.sections().filter(|s| s.name() == Ok(RECORDS)) {
            let bytes = Bytes(section.address(), section.data()?);
            for record in (section.address()..section.address() + section.size()).step_by(16) {
                facts.trampolines.insert(record.wrapping_add_signed(bytes.word(record)));
            }
        }
        if facts.trampolines.is_empty() {
            return Err("the image has no static calls".into());
        }
        facts.slots = slots(&file, &facts)?;
        Ok(facts)
    }

    /// Returns the trampoline whose address a word holds.
    pub(super) fn held(&self, word: u64) -> Option<u64> {
        self.slots.iter().find(|(place, _)| *place == word).map(|(_, trampoline)| *trampoline)
    }

    pub(super) fn is_code(&self, address: u64) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }

    /// Returns kind and trampoline of an instruction that uses the memory at `address`.
    pub(super) fn memory(&self, address: u64, does: Does) -> Option<(&'static str, u64)> {
        if self.trampolines.contains(&address) {
            return Some(("taken", address));
        }
        let kind = match does {
            Does::Call => "call-got",
            Does::Jump => "jmp-got",
            Does::Load => "register",
            // It takes the address of the word, not of what the word holds.
            Does::Address => return None,
        };
        Some((kind, self.held(address)?))
    }
}

/// What an instruction does with a word of memory.
pub(super) enum Does {
    Call,
    Jump,
    Address,
    Load,
}

/// Returns the sections of code, without the procedure linkage table.
pub(super) fn code<'a>(
    file: &'a File<'a>,
) -> impl Iterator<Item = object::read::elf::ElfSection64<'a, 'a, LittleEndian>> {
    file.sections().filter(|s| {
        let SectionFlags::Elf { sh_flags, .. } = s.flags() else { return false };
        let name = s.name().unwrap_or_default();
        sh_flags.contains(elf::SHF_EXECINSTR) && !name.starts_with(".plt")
    })
}

fn slots(file: &File<'_>, facts: &Facts) -> Result<Vec<(u64, u64)>> {
    let mut words = Vec::new();
    for (place, relocation) in file.dynamic_relocations().into_iter().flatten() {
        match (relocation.flags(), relocation.target()) {
            (RelocationFlags::Elf { r_type: elf::R_X86_64_RELATIVE }, _) => {
                words.push((place, relocation.addend().cast_unsigned()));
            }
            (_, RelocationTarget::Symbol(index)) => {
                let symbols = file.dynamic_symbol_table().ok_or("no dynamic symbols")?;
                let address = symbols.symbol_by_index(index)?.address();
                if facts.trampolines.contains(&address) {
                    return Err(format!(
                        "another object can replace the trampoline at {address:#x}, which the \
                         oracles do not support"
                    )
                    .into());
                }
            }
            _ => {}
        }
    }
    for section in file.elf_section_table().iter() {
        let relative = section.relr(LittleEndian, file.data())?;
        for place in relative.into_iter().flatten() {
            words.push((place, word(file, place)));
        }
    }
    let is_got = |s: &object::read::elf::ElfSection64<'_, '_, LittleEndian>| {
        s.name().is_ok_and(|name| name.starts_with(".got"))
    };
    let mut slots = Vec::new();
    for section in file.sections().filter(is_got) {
        let range = section.address()..section.address() + section.size();
        if facts.is_fixed {
            words.extend(range.clone().step_by(8).map(|place| (place, word(file, place))));
        }
        let held = words.iter().filter(|(place, _)| range.contains(place));
        slots.extend(held.filter(|(_, address)| facts.trampolines.contains(address)));
    }
    Ok(slots)
}

/// Returns the aligned word at an address, or 0 if there is none.
fn word(file: &File<'_>, place: u64) -> u64 {
    let mut sections = file.sections();
    let found = sections.find_map(|s| s.data_range(place, 8).ok().flatten());
    found.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// A section's address and contents.
pub(super) struct Bytes<'a>(pub(super) u64, pub(super) &'a [u8]);

impl Bytes<'_> {
    /// Returns the byte at an address, or 0 if there is none.
    pub(super) fn at(&self, address: u64) -> u8 {
        let index = address.checked_sub(self.0).and_then(|i| usize::try_from(i).ok());
        index.and_then(|i| self.1.get(i)).copied().unwrap_or(0)
    }

    pub(super) fn word(&self, address: u64) -> i64 {
        let bytes = [0, 1, 2, 3].map(|i| self.at(address + i));
        i64::from(i32::from_le_bytes(bytes))
    }
}

/// Returns the addresses of functions whose symbols have a size.
pub(super) fn functions<'a>(file: &'a File<'a>) -> impl Iterator<Item = Range<u64>> {
    let functions = file
        .symbols()
        .filter(|s| s.is_definition() && s.size() != 0 && s.kind() == object::SymbolKind::Text);
    functions.map(|s| s.address()..s.address() + s.size())
}
