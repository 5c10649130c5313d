//! Gives an image static calls that it never had: some of its functions become trampolines, so that
//! everything is to be done for their calls.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym};
use static_call::arch::x86_64::{STUB_LENGTH, trampoline_jmp};
use static_call::layout::{
    KEYS_SECTION, TRAMPOLINE_SIZE, TRAMPOLINES_SECTION, TrampolineRecord, key_record,
};

use crate::run::Result;

/// Most keys that the image is given, and how often each is called.
const KEYS: usize = 200;
const CALLS: std::ops::Range<u32> = 10..30;
/// Bytes of a function that are replaced: by a trampoline and, after it, a stub.
const TAKEN: u64 = TRAMPOLINE_SIZE as u64 + STUB_LENGTH;
/// Bytes of an ELF section header.
const HEADER: usize = 64;

/// The sections of an image.
type Sections<'a> = SectionTable<'a, FileHeader64<LE>>;

/// Writes the image with its keys to `path`. Returns their number and about how many calls they
/// have.
pub(crate) fn static_calls(bytes: &[u8], path: &Path) -> Result<(usize, u32)> {
    let header = FileHeader64::<LE>::parse(bytes)?;
    let sections = header.sections(LE, bytes)?;
    let code = Code::of(&sections);
    let chosen = choose(bytes, &sections, &code)?;
    let calls: u32 = chosen.iter().map(|m| m.0).sum();
    let layout = Layout::new(&sections, chosen.len())?;
    let mut image = bytes.to_vec();
    write_records(&mut image, &layout, &code, &chosen);
    write_headers(&mut image, &layout, &sections);
    fs::write(path, image)?;
    Ok((chosen.len(), calls))
}

/// The sections of code: address, size and file offset of each.
struct Code(Vec<(u64, u64, usize)>);

impl Code {
    fn of(sections: &Sections<'_>) -> Self {
        let code = sections.iter().filter(|s| is_code(s.sh_flags(LE)));
        Self(code.map(|s| (s.sh_addr(LE), s.sh_size(LE), s.sh_offset(LE) as usize)).collect())
    }

    /// The file offset of an address.
    fn offset(&self, address: u64) -> Option<usize> {
        let inside = self.0.iter().find(|(start, size, _)| address.wrapping_sub(*start) < *size);
        inside.map(|(start, _, offset)| offset + (address - start) as usize)
    }
}

fn is_code(flags: elf::SectionFlags) -> bool {
    flags.contains(elf::SHF_EXECINSTR)
}

/// Functions from all over the image that become trampolines, each with the number of its calls.
fn choose(bytes: &[u8], sections: &Sections<'_>, code: &Code) -> Result<Vec<(u32, u64)>> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    for symbol in sections.symbols(LE, bytes, elf::SHT_SYMTAB)?.iter() {
        let address = symbol.st_value(LE);
        if symbol.st_type() == elf::STT_FUNC && address % 16 == 0 && symbol.st_size(LE) >= TAKEN {
            counts.insert(address, 0);
        }
    }
    for &(start, size, at) in &code.0 {
        let data = bytes.get(at..at + size as usize).ok_or("code lies outside the file")?;
        for (i, window) in data.windows(5).enumerate().filter(|(_, w)| w[0] == 0xe8) {
            let displacement = i32::from_le_bytes([window[1], window[2], window[3], window[4]]);
            let to = (start + i as u64 + 5).wrapping_add_signed(displacement.into());
            counts.entry(to).and_modify(|n| *n += 1);
        }
    }
    let mut chosen: Vec<(u32, u64)> = counts.into_iter().map(|(address, n)| (n, address)).collect();
    chosen.retain(|&(n, address)| CALLS.contains(&n) && code.offset(address).is_some());
    chosen.sort_unstable_by_key(|&(_, address)| {
        (address.wrapping_mul(0x9e37_79b9_7f4a_7c15), address)
    });
    chosen.truncate(KEYS);
    Ok(chosen)
}

/// Where something is, in memory and in the file.
#[derive(Clone, Copy)]
struct Place {
    address: u64,
    offset: usize,
}

impl Place {
    fn after(self, size: usize) -> Self {
        Self { address: self.address + size as u64, offset: self.offset + size }
    }
}

/// Where the records go: over the largest read-only data, whose header shrinks.
struct Layout {
    /// The section that shrinks, and the bytes that it loses.
    victim: usize,
    taken: u64,
    keys: Place,
    keys_size: usize,
    records: Place,
    records_size: usize,
    text: Place,
}

impl Layout {
    fn new(sections: &Sections<'_>, count: usize) -> Result<Self> {
        let is_data = |s: &elf::SectionHeader64<LE>| {
            s.sh_type(LE) == elf::SHT_PROGBITS
                && s.sh_flags(LE).contains(elf::SHF_ALLOC)
                && !is_code(s.sh_flags(LE))
                && !s.sh_flags(LE).contains(elf::SHF_WRITE)
                && sections.section_name(LE, s).is_ok_and(|name| name.ends_with(b"rodata"))
        };
        let (victim, data) = sections
            .iter()
            .enumerate()
            .filter(|(_, s)| is_data(s))
            .max_by_key(|(_, s)| s.sh_size(LE))
            .ok_or("the image has no read-only data")?;
        let skip = data.sh_addr(LE).wrapping_neg() % 8;
        let start = Place { address: data.sh_addr(LE), offset: data.sh_offset(LE) as usize };
        let keys = start.after(skip as usize);
        let keys_size = count * key_record::SIZE;
        let records = keys.after(keys_size);
        let records_size = count * TrampolineRecord::SIZE;
        let text = records.after(records_size);
        let taken = skip + (keys_size + records_size + 8) as u64;
        Ok(Self { victim, taken, keys, keys_size, records, records_size, text })
    }
}

/// Writes the records of the keys, and makes the chosen functions trampolines.
fn write_records(image: &mut [u8], layout: &Layout, code: &Code, chosen: &[(u32, u64)]) {
    let Layout { keys, records, text, .. } = *layout;
    put(image, text.offset, b"::key\0");
    for (i, &(_, address)) in chosen.iter().enumerate() {
        let Place { address: key, offset: at } = keys.after(i * key_record::SIZE);
        put(image, at, &[0; key_record::SIZE]);
        let stub = address + TRAMPOLINE_SIZE as u64;
        put(image, at + key_record::STUB as usize, &stub.to_le_bytes());
        put(image, at + key_record::TEXT as usize, &text.address.to_le_bytes());
        put(image, at + key_record::NAME as usize, &3u16.to_le_bytes());
        // `lea slot(%rip), %r11; jmp *(%r11)`, as a linker relaxes it.
        let slot = key.wrapping_sub(stub + 7) as u32;
        let stub_code =
            [&[0x4c, 0x8d, 0x1d][..], &slot.to_le_bytes(), &[0x41, 0xff, 0x23]].concat();
        let jump = trampoline_jmp(address, stub).expect("the stub is next to it");
        let at = code.offset(address).unwrap_or_default();
        put(image, at, &[&jump[..], &stub_code].concat());
        let Place { address: record, offset } = records.after(i * TrampolineRecord::SIZE);
        let words = [address.wrapping_sub(record), stub.wrapping_sub(record + 4), 0, 1];
        for (n, word) in words.into_iter().enumerate() {
            put(image, offset + n * 4, &(word as u32).to_le_bytes());
        }
    }
}

/// Writes new section headers and names at the end.
fn write_headers(image: &mut Vec<u8>, layout: &Layout, sections: &Sections<'_>) {
    let mut names = Vec::new();
    let mut name_of = |name: &[u8]| {
        let at = names.len() as u64;
        names.extend_from_slice(name);
        names.push(0);
        at
    };
    let mut headers: Vec<[u64; 10]> = Vec::new();
    for (i, s) in sections.iter().enumerate() {
        let skipped = if i == layout.victim { layout.taken } else { 0 };
        headers.push([
            name_of(sections.section_name(LE, s).unwrap_or_default()),
            s.sh_type(LE).0.into(),
            s.sh_flags(LE).0,
            s.sh_addr(LE) + skipped,
            s.sh_offset(LE) + skipped,
            s.sh_size(LE) - skipped,
            s.sh_link(LE).into(),
            s.sh_info(LE).into(),
            1,
            s.sh_entsize(LE),
        ]);
    }
    let added = [
        (KEYS_SECTION, layout.keys, layout.keys_size),
        (TRAMPOLINES_SECTION, layout.records, layout.records_size),
    ];
    for (name, Place { address, offset }, size) in added {
        let (name, kind) = (name_of(name.as_bytes()), elf::SHT_PROGBITS.0.into());
        let (offset, size) = (offset as u64, size as u64);
        headers.push([name, kind, elf::SHF_ALLOC.0, address, offset, size, 0, 0, 8, 0]);
    }
    let strings = name_of(b".shstrtab");
    let (at, size) = (image.len() as u64, names.len() as u64);
    headers.push([strings, elf::SHT_STRTAB.0.into(), 0, 0, at, size, 0, 0, 1, 0]);
    image.extend(&names);
    image.resize(image.len().next_multiple_of(8), 0);
    let start = image.len() as u64;
    put(image, 40, &start.to_le_bytes());
    put(image, 60, &(headers.len() as u16).to_le_bytes());
    put(image, 62, &(headers.len() as u16 - 1).to_le_bytes());
    for header in &headers {
        for (value, size) in header.iter().zip([4, 4, 8, 8, 8, 8, 4, 4, 8, 8]) {
            image.extend(&value.to_le_bytes()[..size]);
        }
    }
    debug_assert_eq!(image.len(), start as usize + headers.len() * HEADER);
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = image.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
