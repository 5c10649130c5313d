//! The image as ELF: segments, sections, symbols. Everything is checked here once against the
//! length of the file, so that later phases read ranges that exist.

use object::elf::{self, FileHeader64, Sym64};
use object::pod;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian as LE, ReadRef};

use crate::report::ImageKind;

/// Why an image cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("the image is damaged: {0}")]
    Corrupt(String),
}

impl ImageError {
    fn corrupt(what: &str) -> Self {
        Self::Corrupt(what.to_owned())
    }
}

/// A loadable segment whose bytes lie in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) memory_size: u64,
    pub(crate) file_size: u64,
    pub(crate) offset: u64,
    pub(crate) flags: u32,
}

/// A section; its bytes may lie outside the file until [`Image::section_data`] has looked.
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

    /// Machine code that stands in the file.
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

    pub(crate) fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < self.size
    }
}

/// A symbol of a function, or any other that stands in a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) is_function: bool,
    pub(crate) is_data: bool,
}

/// An ELF image for x86-64.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    bytes: &'a [u8],
    pub(crate) kind: ImageKind,
    pub(crate) segments: Vec<Segment>,
    pub(crate) sections: Vec<Section<'a>>,
}

impl<'a> Image<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        check_ident(bytes)?;
        let header = FileHeader64::<LE>::parse(bytes)
            .map_err(|_| ImageError::corrupt("its ELF header does not parse"))?;
        let kind = match header.e_type(LE) {
            elf::ET_EXEC => ImageKind::Executable,
            elf::ET_DYN => ImageKind::SharedObject,
            elf::ET_REL => {
                return Err(ImageError::Unsupported(
                    "this is a relocatable object: only a linked image can be verified",
                ));
            }
            _ => return Err(ImageError::Unsupported("this ELF file is not a program image")),
        };
        let mut image = Self { bytes, kind, segments: Vec::new(), sections: Vec::new() };
        image.read_segments(header)?;
        image.read_sections(header)?;
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
        self.sections = sections
            .iter()
            .map(|s| Section {
                name: sections.section_name(LE, s).unwrap_or_default(),
                kind: s.sh_type(LE).0,
                flags: s.sh_flags(LE).0,
                address: s.sh_addr(LE),
                offset: s.sh_offset(LE),
                size: s.sh_size(LE),
                link: s.sh_link(LE),
            })
            .collect();
        Ok(())
    }

    /// Bytes of the file.
    pub(crate) fn slice(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.bytes.get(start..end)
    }

    /// Bytes of a section that has any.
    pub(crate) fn section_data(&self, section: &Section<'_>) -> Option<&'a [u8]> {
        if section.kind == elf::SHT_NOBITS.0 {
            return None;
        }
        self.slice(section.offset, section.size)
    }

    /// The sections of a name.
    pub(crate) fn sections_named(&self, name: &str) -> impl Iterator<Item = &Section<'a>> {
        self.sections.iter().filter(move |s| s.name == name.as_bytes())
    }

    /// Bytes of a section for debug information, decompressed within reason.
    pub(crate) fn debug_section(&self, name: &str) -> Option<std::borrow::Cow<'a, [u8]>> {
        // A zlib stream cannot expand more than 1032 times; beyond a GiB nobody waits for it.
        const MOST: u64 = 1 << 30;
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
        if uncompressed_size > MOST || uncompressed_size / 1100 > data.len() as u64 {
            return None;
        }
        object::CompressedData { format, data, uncompressed_size }.decompress().ok()
    }

    /// Offset in the file of `size` bytes at an address.
    pub(crate) fn offset_of(&self, address: u64, size: u64) -> Option<u64> {
        self.segments.iter().find_map(|s| {
            let into = address.checked_sub(s.address)?;
            (into.checked_add(size)? <= s.file_size).then(|| s.offset + into)
        })
    }

    /// `size` bytes at an address, as they stand in the file.
    pub(crate) fn at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        self.slice(self.offset_of(address, size)?, size)
    }

    /// A word at an address, as it stands in the file; 0 where nothing does but memory is.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        if let Some(bytes) = self.at(address, 8) {
            return bytes.try_into().ok().map(u64::from_le_bytes);
        }
        self.segments.iter().any(|s| address.wrapping_sub(s.address) < s.memory_size).then_some(0)
    }

    /// The section with machine code at an address.
    pub(crate) fn code_section(&self, address: u64) -> Option<&Section<'a>> {
        self.sections.iter().find(|s| s.is_code() && s.contains(address))
    }

    /// The symbols with an address, of the fullest table there is.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol<'a>> + use<'a> {
        let full = self.symbol_table(elf::SHT_SYMTAB.0);
        let (symbols, names) =
            if full.0.is_empty() { self.symbol_table(elf::SHT_DYNSYM.0) } else { full };
        symbols.iter().filter_map(move |s| symbol(s, names))
    }

    /// A symbol that the dynamic loader sees, if this image defines it.
    pub(crate) fn dynamic_symbol(&self, index: u32) -> Option<Symbol<'a>> {
        let (symbols, names) = self.symbol_table(elf::SHT_DYNSYM.0);
        symbol(symbols.get(usize::try_from(index).ok()?)?, names)
    }

    fn symbol_table(&self, kind: u32) -> (&'a [Sym64<LE>], &'a [u8]) {
        let table = || {
            let section = self.sections.iter().find(|s| s.kind == kind)?;
            let data = self.section_data(section)?;
            let count = data.len() / size_of::<Sym64<LE>>();
            let (symbols, _) = pod::slice_from_bytes(data, count).ok()?;
            let names = self.sections.get(usize::try_from(section.link).ok()?)?;
            Some((symbols, self.section_data(names).unwrap_or_default()))
        };
        table().unwrap_or_default()
    }
}

fn symbol<'a>(s: &Sym64<LE>, names: &'a [u8]) -> Option<Symbol<'a>> {
    let section = s.st_shndx.get(LE);
    let kind = s.st_type();
    let is_placed = section != elf::SHN_UNDEF && section != elf::SHN_ABS;
    if !is_placed || matches!(kind, elf::STT_SECTION | elf::STT_FILE | elf::STT_TLS) {
        return None;
    }
    let name = names.get(usize::try_from(s.st_name.get(LE)).ok()?..).unwrap_or_default();
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    Some(Symbol {
        name: name.get(..end).unwrap_or_default(),
        address: s.st_value.get(LE),
        size: s.st_size.get(LE),
        is_function: matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC),
        is_data: kind == elf::STT_OBJECT,
    })
}

/// `DT_FLAGS_1` of a dynamic section, where a static position-independent executable says so.
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

fn check_ident(bytes: &[u8]) -> Result<(), ImageError> {
    const SHORTEST: usize = size_of::<FileHeader64<LE>>();
    let unsupported = |what| Err(ImageError::Unsupported(what));
    match bytes {
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => {
            unsupported("this is an archive: only a linked image can be verified")
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            unsupported("this is a Mach-O file: static calls are verified in ELF images")
        }
        [b'M', b'Z', ..] => {
            unsupported("this is a PE file: static calls are verified in ELF images")
        }
        [0x7f, b'E', b'L', b'F', ..] if bytes.len() < SHORTEST => {
            Err(ImageError::corrupt("it ends in its ELF header"))
        }
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => {
            let machine = u16::from_le_bytes([bytes[18], bytes[19]]);
            if machine == elf::EM_X86_64.0 {
                Ok(())
            } else {
                unsupported("this ELF file is not for x86-64: nothing is patched there")
            }
        }
        [0x7f, b'E', b'L', b'F', ..] => {
            unsupported("this ELF file is not 64-bit little-endian: nothing is patched there")
        }
        _ => unsupported("this is not an ELF file"),
    }
}
