//! The image as ELF: segments, sections, symbols. Everything is checked here once against the
//! length of the file, so that later phases read only ranges that exist.

use object::elf::{self, FileHeader64};
use object::pod;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian as LE, ReadRef};
use static_call::layout::{self, image_identity};

use super::budget::Budget;
use super::error::ImageError;
use super::ident;
use super::places::Places;
use super::section::Section;
use super::segment::Segment;
use super::symbols::{Symbol, SymbolTable, text};
use crate::report::ImageKind;

/// An ELF image for x86-64.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    bytes: &'a [u8],
    pub(crate) kind: ImageKind,
    /// In file order.
    pub(crate) segments: Vec<Segment>,
    /// Address and size of what the loader makes read-only when it has finished (`PT_GNU_RELRO`).
    relro: Vec<(u64, u64)>,
    pub(crate) sections: Vec<Section<'a>>,
    places: Places<'a>,
    problem: Option<String>,
    symbols: SymbolTable<'a>,
    dynamic_symbols: SymbolTable<'a>,
    pub(crate) budget: Budget,
}

impl<'a> Image<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        ident::check(bytes)?;
        let header = FileHeader64::<LE>::parse(bytes)
            .map_err(|_| ImageError::corrupt("its ELF header does not parse"))?;
        let kind = match header.e_type(LE) {
            elf::ET_EXEC => ImageKind::Executable,
            elf::ET_DYN => ImageKind::SharedObject,
            elf::ET_REL => {
                return Err(ImageError::Unsupported(
                    "this is a relocatable object: only linked images can be verified",
                ));
            }
            _ => {
                return Err(ImageError::Unsupported(
                    "this ELF file is neither an executable nor a shared object",
                ));
            }
        };
        let mut image = Self {
            bytes,
            kind,
            segments: Vec::new(),
            relro: Vec::new(),
            sections: Vec::new(),
            places: Places::default(),
            problem: None,
            symbols: Default::default(),
            dynamic_symbols: Default::default(),
            budget: Budget::new(bytes.len()),
        };
        image.read_segments(header)?;
        image.read_sections(header)?;
        let is_placed = |s: &&Section<'_>| s.is_allocated() && s.has_bytes();
        let placed = image.sections.iter().filter(is_placed).copied();
        let (places, problem) = Places::new(&image.segments, placed);
        (image.places, image.problem) = (places, problem.err());
        image.symbols = image.symbol_table(elf::SHT_SYMTAB.0);
        image.dynamic_symbols = image.symbol_table(elf::SHT_DYNSYM.0);
        Ok(image)
    }

    fn read_segments(&mut self, header: &FileHeader64<LE>) -> Result<(), ImageError> {
        let headers = header
            .program_headers(LE, self.bytes)
            .map_err(|_| ImageError::corrupt("its program headers lie outside the file"))?;
        let mut has_interpreter = false;
        let mut dynamic_flags = 0;
        for h in headers {
            let segment = Segment {
                address: h.p_vaddr(LE),
                memory_size: h.p_memsz(LE),
                file_size: h.p_filesz(LE),
                offset: h.p_offset(LE),
                flags: h.p_flags(LE).0,
            };
            match h.p_type(LE) {
                elf::PT_LOAD => {
                    let whole = segment.memory_size >= segment.file_size
                        && segment.address.checked_add(segment.memory_size).is_some()
                        && self.slice(segment.offset, segment.file_size).is_some();
                    if !whole {
                        let at = segment.address;
                        return Err(ImageError::Corrupt(format!(
                            "the segment for address {at:#x} lies outside the file"
                        )));
                    }
                    self.segments.push(segment);
                }
                elf::PT_GNU_RELRO => self.relro.push((segment.address, segment.memory_size)),
                elf::PT_INTERP => has_interpreter = true,
                elf::PT_DYNAMIC => {
                    let dynamic = self.slice(segment.offset, segment.file_size).unwrap_or_default();
                    dynamic_flags = dynamic_flags_1(dynamic);
                }
                _ => {}
            }
        }
        let is_executable = has_interpreter || dynamic_flags & elf::DF_1_PIE.0 != 0;
        if self.kind == ImageKind::SharedObject && is_executable {
            self.kind = ImageKind::PositionIndependentExecutable;
        }
        Ok(())
    }

    fn read_sections(&mut self, header: &FileHeader64<LE>) -> Result<(), ImageError> {
        let sections = header
            .sections(LE, self.bytes)
            .map_err(|_| ImageError::corrupt("its section headers lie outside the file"))?;
        let names = header.shstrndx(LE, self.bytes).unwrap_or_default();
        let names = sections.section(object::SectionIndex(names as usize));
        let names = names.ok().and_then(|s| self.slice(s.sh_offset(LE), s.sh_size(LE)));
        self.sections = sections
            .iter()
            .map(|s| Section {
                name: text(names.unwrap_or_default(), s.sh_name(LE)),
                kind: s.sh_type(LE).0,
                flags: s.sh_flags(LE).0,
                address: s.sh_addr(LE),
                offset: s.sh_offset(LE),
                size: s.sh_size(LE),
                link: s.sh_link(LE),
            })
            .collect();
        // Each phase reads each section once. Overlapping sections would be read many times.
        let in_file = self.sections.iter().filter(|s| s.has_bytes());
        let total = in_file.map(|s| s.size).fold(0, u64::saturating_add);
        if total / 2 > self.bytes.len() as u64 {
            return Err(ImageError::corrupt("its sections are larger than the file"));
        }
        Ok(())
    }

    /// Returns how the layout contradicts itself, if it does. Such an image is not verified.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Returns what the runtime must find of this image to trust what stamping wrote.
    pub(crate) fn identity(&self) -> u64 {
        image_identity(self.segments.iter().map(|s| layout::Segment {
            address: s.address,
            size: s.memory_size,
            flags: s.flags,
        }))
    }

    /// Returns the length of the file.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Returns bytes of the file.
    pub(crate) fn slice(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.bytes.get(start..end)
    }

    /// Returns the bytes of a section, if it has any.
    pub(crate) fn section_data(&self, section: &Section<'_>) -> Option<&'a [u8]> {
        if section.kind == elf::SHT_NOBITS.0 {
            return None;
        }
        self.slice(section.offset, section.size)
    }

    /// Returns the sections with this name.
    pub(crate) fn sections_named(&self, name: &str) -> impl Iterator<Item = &Section<'a>> {
        self.sections.iter().filter(move |s| s.name == name.as_bytes())
    }

    /// Returns the bytes of a section with debug information, decompressed if there is `room`.
    pub(crate) fn debug_section(
        &self,
        name: &str,
        room: &Budget,
    ) -> Option<std::borrow::Cow<'a, [u8]>> {
        let section = self.sections_named(name).next()?;
        let data = self.section_data(section)?;
        if section.flags & elf::SHF_COMPRESSED.0 == 0 {
            return Some(data.into());
        }
        let mut at = 0;
        let header: &elf::CompressionHeader64<LE> = data.read(&mut at).ok()?;
        let format = match header.ch_type.get(LE) {
            elf::ELFCOMPRESS_ZLIB => object::CompressionFormat::Zlib,
            elf::ELFCOMPRESS_ZSTD => object::CompressionFormat::Zstandard,
            _ => return None,
        };
        let data = data.get(usize::try_from(at).ok()?..)?;
        let uncompressed_size = header.ch_size.get(LE);
        let size = usize::try_from(uncompressed_size).ok()?;
        // A zlib stream cannot expand by more than a factor of 1032.
        if size / 1100 > data.len() || !room.spend(size) {
            return None;
        }
        object::CompressedData { format, data, uncompressed_size }.decompress().ok()
    }

    /// Returns the file offset of `size` bytes at an address.
    pub(crate) fn offset_of(&self, address: u64, size: u64) -> Option<u64> {
        self.places.offset_of(address, size)
    }

    /// Returns `size` bytes at an address, as they are in the file.
    pub(crate) fn at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        self.slice(self.offset_of(address, size)?, size)
    }

    /// Returns the word at an address, as it is in the file; 0 for memory that is not in the file.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        if let Some(bytes) = self.at(address, 8) {
            return bytes.try_into().ok().map(u64::from_le_bytes);
        }
        self.places.segment(address).map(|_| 0)
    }

    /// Returns whether `size` bytes at an address are read-only once the loader has finished.
    pub(crate) fn is_read_only(&self, address: u64, size: u64) -> bool {
        const PAGE: u64 = 4096;
        // The loader protects whole pages only. A partly covered last page stays writable.
        let is_in = |start: u64, length: u64| {
            let end = start.saturating_add(length) / PAGE * PAGE;
            address >= start && address.checked_add(size).is_some_and(|last| last <= end)
        };
        let segment = self.places.segment(address);
        let is_written = segment.is_none_or(|s| s.flags & elf::PF_W.0 != 0);
        !is_written || self.relro.iter().any(|&(start, length)| is_in(start, length))
    }

    /// Returns the section at an address that has bytes both in memory and in the file.
    pub(crate) fn section_at(&self, address: u64) -> Option<&Section<'a>> {
        self.places.section(address)
    }

    /// Returns the data of the program from an address to the end of its section.
    pub(crate) fn data_at(&self, address: u64) -> Option<&'a [u8]> {
        let is_data = |s: &&Section<'_>| !s.is_code() && !s.is_stamped();
        let section = self.section_at(address).filter(is_data)?;
        self.section_data(section)?.get(usize::try_from(address - section.address).ok()?..)
    }

    /// Returns the section with machine code at an address.
    pub(crate) fn code_section(&self, address: u64) -> Option<&Section<'a>> {
        self.section_at(address).filter(|s| s.is_code())
    }

    /// Returns `size` bytes of machine code, all in one section.
    pub(crate) fn code_at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let section = self.code_section(address)?;
        section.contains(address.checked_add(size - 1)?).then(|| self.at(address, size))?
    }

    /// Returns the sections with machine code, by address.
    pub(crate) fn code(&self) -> impl Iterator<Item = &Section<'a>> {
        self.places.sections().iter().filter(|s| s.is_code())
    }

    /// Returns the symbols that have an address, from the full table if there is one.
    pub(crate) fn symbols(&self) -> Vec<Symbol<'a>> {
        let table = if self.symbols.is_empty() { &self.dynamic_symbols } else { &self.symbols };
        table.all(&self.sections)
    }

    /// Returns a symbol that the dynamic loader sees, if this image defines it.
    pub(crate) fn dynamic_symbol(&self, index: u32) -> Option<Symbol<'a>> {
        self.dynamic_symbols.at(index, &self.sections)
    }

    fn symbol_table(&self, kind: u32) -> SymbolTable<'a> {
        let table = || {
            let section = self.sections.iter().find(|s| s.kind == kind)?;
            let data = self.section_data(section)?;
            let names = self.sections.get(usize::try_from(section.link).ok()?)?;
            Some(SymbolTable::new(data, self.section_data(names).unwrap_or_default()))
        };
        table().unwrap_or_default()
    }
}

/// Returns `DT_FLAGS_1` of a dynamic section, which marks a static position-independent executable.
fn dynamic_flags_1(dynamic: &[u8]) -> u64 {
    let count = dynamic.len() / 16;
    let entries: &[[[u8; 8]; 2]] =
        pod::slice_from_bytes(dynamic, count).map(|(e, _)| e).unwrap_or_default();
    entries
        .iter()
        .map(|[tag, value]| (u64::from_le_bytes(*tag), u64::from_le_bytes(*value)))
        .take_while(|&(tag, _)| tag != 0)
        .find(|&(tag, _)| tag == elf::DT_FLAGS_1.0 as u64)
        .map_or(0, |(_, value)| value)
}
