//! Finds what names a trampoline by the relocations that the linker kept (`--emit-relocs`) and the
//! final bytes before each.

use std::collections::{BTreeMap, BTreeSet};

use object::elf;
use object::read::elf::ElfSymbol64;
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionFlags, SymbolKind, SymbolScope,
};

use super::facts::{Bytes, Facts, File, RECORDS};
use super::{Reference, grade};
use crate::run::Result;

/// The ends of trampolines' names. Both manglings write a name's length before it.
const NAMES: [&str; 2] = ["10trampoline", "24__static_call_trampoline"];

/// Returns the trampolines by symbol, with their names.
fn trampolines<'a>(
    file: &'a File<'a>,
) -> impl Iterator<Item = (&'a str, ElfSymbol64<'a, 'a, LittleEndian>)> {
    // mold names a word of the global offset table after its symbol, with `$got`.
    let is_code = |symbol: &ElfSymbol64<'_, '_, _>| symbol.kind() == SymbolKind::Text;
    file.symbols().filter(ObjectSymbol::is_definition).filter(is_code).filter_map(|symbol| {
        let name = symbol.name().ok()?;
        NAMES.iter().any(|n| name.contains(n)).then_some((name, symbol))
    })
}

/// Returns the names of trampolines whose symbols are local or hidden in the object files.
/// Compilers call these directly. mold makes every symbol local that is not exported; the other
/// linkers keep the binding.
pub(in crate::matrix) fn local_names(image: &[u8]) -> Result<BTreeSet<String>> {
    let file = File::parse(image)?;
    let is_local = |symbol: &ElfSymbol64<'_, '_, _>| {
        matches!(symbol.scope(), SymbolScope::Compilation | SymbolScope::Linkage)
    };
    let local = trampolines(&file).filter(|(_, symbol)| is_local(symbol));
    Ok(local.map(|(name, _)| name.to_owned()).collect())
}

/// Returns the names of trampolines by address, from symbols.
pub(crate) fn names(image: &[u8]) -> Result<BTreeMap<u64, String>> {
    let file = File::parse(image)?;
    Ok(trampolines(&file).map(|(name, s)| (s.address(), name.to_owned())).collect())
}

/// Returns the references, and the number of relocations.
pub(super) fn find(image: &[u8], facts: &Facts) -> Result<(BTreeSet<Reference>, usize)> {
    let file = File::parse(image)?;
    let mut references = BTreeSet::new();
    let mut relocations = 0;
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        let loaded = sh_flags.contains(elf::SHF_ALLOC);
        let code = sh_flags.contains(elf::SHF_EXECINSTR);
        // Records, unwind tables and the GOT name trampolines but do not call them.
        let name = section.name()?;
        if !loaded || name == RECORDS || name.starts_with(".eh_frame") || name.starts_with(".got") {
            continue;
        }
        let bytes = Bytes(section.address(), section.data()?);
        for (offset, relocation) in section.relocations() {
            relocations += 1;
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            let RelocationTarget::Symbol(index) = relocation.target() else { continue };
            let symbol = file.symbol_by_index(index)?;
            let place = Place { bytes: &bytes, offset, code };
            let (destination, found) =
                place.classify(r_type, symbol.address(), relocation.addend());
            if !facts.trampolines.contains(&destination) {
                continue;
            }
            let Some((kind, address, length, displacement)) = found else {
                return Err(format!(
                    "{offset:#x}: relocation {r_type} against trampoline {destination:#x} at an \
                     instruction that the oracle does not know: {:02x?}",
                    (offset - 4..offset + 4).map(|a| bytes.at(a)).collect::<Vec<_>>()
                )
                .into());
            };
            let grade = match displacement {
                Some(at) if (at + 4).wrapping_add_signed(bytes.word(at)) == destination => {
                    grade(address, length.into())
                }
                Some(at) => {
                    return Err(format!("{at:#x}: does not lead to {destination:#x}").into());
                }
                None => "none",
            };
            references.insert(Reference { address, kind, grade, length, trampoline: destination });
        }
    }
    Ok((references, relocations))
}

/// A relocated field.
struct Place<'a> {
    bytes: &'a Bytes<'a>,
    offset: u64,
    code: bool,
}

/// Kind, address, length, and the displacement's address if it can be rewritten.
type Instruction = (&'static str, u64, u8, Option<u64>);

impl Place<'_> {
    /// Returns where the field leads, and the instruction that contains it.
    fn classify(
        &self,
        r_type: elf::RelocationType,
        symbol: u64,
        addend: i64,
    ) -> (u64, Option<Instruction>) {
        let sum = symbol.wrapping_add_signed(addend);
        if !self.code {
            let is_pointer = r_type == elf::R_X86_64_64;
            return (if is_pointer { sum } else { 0 }, Some(("taken", self.offset, 0, None)));
        }
        match r_type {
            elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => (sum.wrapping_add(4), self.direct()),
            elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => {
                (sum.wrapping_add(4), self.through_got())
            }
            // `mov $address, %reg`, with a prefix or without.
            elf::R_X86_64_32 | elf::R_X86_64_32S | elf::R_X86_64_64 => (sum, self.immediate()),
            _ => (0, None),
        }
    }

    fn before(&self, n: u64) -> u8 {
        self.bytes.at(self.offset - n)
    }

    /// Classifies a field that is the displacement of a branch or of `lea`.
    fn direct(&self) -> Option<Instruction> {
        let o = self.offset;
        match (self.before(2), self.before(1)) {
            (0x8d, modrm) if modrm & 0xc7 == 5 => Some(("taken", o - 3, 7, None)),
            (0x0f, 0x80..=0x8f) => Some(("jcc", o - 2, 6, Some(o))),
            (_, 0xe8) => Some(("call", o - 1, 5, Some(o))),
            (_, 0xe9) => Some(("jmp", o - 1, 5, Some(o))),
            _ => None,
        }
    }

    /// Classifies a field that was the displacement of a GOT slot, unless a linker or the stamp has
    /// changed it.
    fn through_got(&self) -> Option<Instruction> {
        let o = self.offset;
        match (self.before(2), self.before(1)) {
            (0xff, 0x15) => Some(("call-got", o - 2, 6, None)),
            (0xff, 0x25) => Some(("jmp-got", o - 2, 6, None)),
            (0x67, 0xe8) => Some(("call", o - 2, 6, Some(o))),
            (0x67, 0xe9) => Some(("jmp", o - 2, 6, Some(o))),
            // A linker writes `jmp rel32; nop` over `jmp *slot`.
            (0xe9, _) if self.bytes.at(o + 3) == 0x90 => Some(("jmp", o - 2, 5, Some(o - 1))),
            (0x8b, modrm) if modrm & 0xc7 == 5 => Some(("register", o - 3, 7, None)),
            (0x8d, modrm) if modrm & 0xc7 == 5 => Some(("taken", o - 3, 7, None)),
            (0xc7, modrm) if modrm & 0xf8 == 0xc0 => Some(("taken", o - 3, 7, None)),
            _ => None,
        }
    }

    fn immediate(&self) -> Option<Instruction> {
        let o = self.offset;
        match (self.before(2), self.before(1)) {
            (0xc7, 0xc0..=0xc7) => Some(("taken", o - 3, 7, None)),
            (0x41, 0xb8..=0xbf) => Some(("taken", o - 2, 6, None)),
            (0x48 | 0x49, 0xb8..=0xbf) => Some(("taken", o - 2, 10, None)),
            (_, 0xb8..=0xbf) => Some(("taken", o - 1, 5, None)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use object::elf;

    use super::{Bytes, Place};

    #[test]
    fn bytes_before_the_field_tell_the_instruction() {
        type Row = (&'static [u8], u64, elf::RelocationType, &'static str, u64, u8);
        let table: &[Row] = &[
            (&[0x90, 0x90, 0xe8, 0, 0, 0, 0], 3, elf::R_X86_64_PLT32, "call", 2, 5),
            (&[0x90, 0x90, 0xe9, 0, 0, 0, 0], 3, elf::R_X86_64_PC32, "jmp", 2, 5),
            (&[0x90, 0x0f, 0x85, 0, 0, 0, 0], 3, elf::R_X86_64_PLT32, "jcc", 1, 6),
            (&[0x48, 0x8d, 0x3d, 0, 0, 0, 0], 3, elf::R_X86_64_PC32, "taken", 0, 7),
            (&[0x90, 0xff, 0x15, 0, 0, 0, 0], 3, elf::R_X86_64_GOTPCREL, "call-got", 1, 6),
            (&[0x90, 0xff, 0x25, 0, 0, 0, 0], 3, elf::R_X86_64_GOTPCRELX, "jmp-got", 1, 6),
            (&[0x90, 0x67, 0xe8, 0, 0, 0, 0], 3, elf::R_X86_64_GOTPCRELX, "call", 1, 6),
            (&[0x90, 0xe9, 0, 0, 0, 0, 0x90], 3, elf::R_X86_64_GOTPCRELX, "jmp", 1, 5),
            (&[0x4c, 0x8b, 0x35, 0, 0, 0, 0], 3, elf::R_X86_64_REX_GOTPCRELX, "register", 0, 7),
            (&[0x48, 0x8d, 0x05, 0, 0, 0, 0], 3, elf::R_X86_64_REX_GOTPCRELX, "taken", 0, 7),
            (&[0x90, 0x90, 0xbf, 0, 0, 0, 0], 3, elf::R_X86_64_32, "taken", 2, 5),
        ];
        for (bytes, offset, r_type, kind, address, length) in table {
            let place = Place { bytes: &Bytes(0, bytes), offset: *offset, code: true };
            let (destination, found) = place.classify(*r_type, 0x1000, -4);
            let found = found.map(|(kind, address, length, _)| (kind, address, length));
            assert_eq!(found, Some((*kind, *address, *length)), "{bytes:02x?}");
            let absolute = *r_type == elf::R_X86_64_32;
            assert_eq!(destination, if absolute { 0xffc } else { 0x1000 });
        }
        let place = Place { bytes: &Bytes(0, &[0; 8]), offset: 3, code: true };
        assert_eq!(place.classify(elf::R_X86_64_PLT32, 0x1000, -4).1, None);
    }
}
