//! Adds static calls to an image: some of its functions become trampolines, whose calls the
//! verifier then has to find and grade.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use static_call::layout::{KEYS_SECTION, TRAMPOLINES_SECTION, TrampolineRecord, key_record};

use crate::run::Result;

/// The most keys that the image gets, and how often each is called.
const KEYS: usize = 200;
const CALLS: std::ops::Range<u32> = 10..30;
/// Bytes of an ELF section header.
const HEADER: usize = 64;

/// Where a section is, in memory and in the file.
struct Place {
    address: u64,
    offset: usize,
}

/// Writes the image with its keys to `path`. Returns a description of what was added.
pub(crate) fn static_calls(bytes: &[u8], path: &Path) -> Result<String> {
    let header = FileHeader64::<LE>::parse(bytes)?;
    let sections = header.sections(LE, bytes)?;
    let is_code = |flags: elf::SectionFlags| flags.contains(elf::SHF_EXECINSTR);
    // The file offset of a code address.
    let code: Vec<(u64, u64, usize)> = sections
        .iter()
        .filter(|s| is_code(s.sh_flags(LE)))
        .map(|s| (s.sh_addr(LE), s.sh_size(LE), s.sh_offset(LE) as usize))
        .collect();
    let offset = |address: u64| {
        let inside = code.iter().find(|(start, size, _)| address.wrapping_sub(*start) < *size);
        inside.map(|(start, _, offset)| offset + (address - start) as usize)
    };

    let mut counts: HashMap<u64, u32> = HashMap::new();
    for symbol in sections.symbols(LE, bytes, elf::SHT_SYMTAB)?.iter() {
        let address = symbol.st_value(LE);
        if symbol.st_type() == elf::STT_FUNC && address % 16 == 0 && symbol.st_size(LE) >= 8 {
            counts.insert(address, 0);
        }
    }
    for &(start, size, at) in &code {
        let data = bytes.get(at..at + size as usize).ok_or("code lies outside the file")?;
        for (i, window) in data.windows(5).enumerate().filter(|(_, w)| w[0] == 0xe8) {
            let displacement = i32::from_le_bytes([window[1], window[2], window[3], window[4]]);
            let to = (start + i as u64 + 5).wrapping_add_signed(displacement.into());
            counts.entry(to).and_modify(|n| *n += 1);
        }
    }
    let mut chosen: Vec<(u32, u64)> = counts.into_iter().map(|(address, n)| (n, address)).collect();
    chosen.retain(|&(n, address)| CALLS.contains(&n) && offset(address).is_some());
    // Chosen from all over the image.
    chosen.sort_unstable_by_key(|&(_, address)| {
        (address.wrapping_mul(0x9e37_79b9_7f4a_7c15), address)
    });
    chosen.truncate(KEYS);
    let calls: u32 = chosen.iter().map(|m| m.0).sum();

    // The records replace part of the biggest read-only data section, whose header shrinks.
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
    let keys = Place {
        address: data.sh_addr(LE) + skip,
        offset: data.sh_offset(LE) as usize + skip as usize,
    };
    let keys_size = chosen.len() * key_record::SIZE;
    let records =
        Place { address: keys.address + keys_size as u64, offset: keys.offset + keys_size };
    let records_size = chosen.len() * TrampolineRecord::SIZE;
    let text = Place {
        address: records.address + records_size as u64,
        offset: records.offset + records_size,
    };

    let mut image = bytes.to_vec();
    put(&mut image, text.offset, b"key\0");
    for (i, &(_, address)) in chosen.iter().enumerate() {
        let (key, at) =
            (keys.address + (i * key_record::SIZE) as u64, keys.offset + i * key_record::SIZE);
        put(&mut image, at, &[0; key_record::SIZE]);
        put(&mut image, at + key_record::STUB as usize, &address.to_le_bytes());
        for field in [key_record::NAME, key_record::MODULE, key_record::FILE, key_record::SIGNATURE]
        {
            put(&mut image, at + field as usize, &text.address.to_le_bytes());
            put(&mut image, at + field as usize + 8, &3u64.to_le_bytes());
        }
        let slot = key.wrapping_sub(address + 6) as u32;
        let jump = [&[0xff, 0x25][..], &slot.to_le_bytes(), &[0xcc, 0xcc]].concat();
        put(&mut image, offset(address).unwrap_or_default(), &jump);
        let record = records.address + (i * TrampolineRecord::SIZE) as u64;
        let words = [address.wrapping_sub(record), address.wrapping_sub(record + 4), 0, 1];
        for (n, word) in words.into_iter().enumerate() {
            let at = records.offset + i * TrampolineRecord::SIZE + n * 4;
            put(&mut image, at, &(word as u32).to_le_bytes());
        }
    }

    // New section headers and names at the end.
    let mut names = Vec::new();
    let mut name_of = |name: &[u8]| {
        let at = names.len() as u64;
        names.extend_from_slice(name);
        names.push(0);
        at
    };
    let taken = skip + (keys_size + records_size + 8) as u64;
    let mut headers: Vec<[u64; 10]> = Vec::new();
    for (i, s) in sections.iter().enumerate() {
        let skipped = if i == victim { taken } else { 0 };
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
    for (name, place, size) in
        [(KEYS_SECTION, &keys, keys_size), (TRAMPOLINES_SECTION, &records, records_size)]
    {
        let name = name_of(name.as_bytes());
        let kind = elf::SHT_PROGBITS.0.into();
        headers.push([
            name,
            kind,
            elf::SHF_ALLOC.0,
            place.address,
            place.offset as u64,
            size as u64,
            0,
            0,
            8,
            0,
        ]);
    }
    let strings = name_of(b".shstrtab");
    let (at, size) = (image.len() as u64, names.len() as u64);
    headers.push([strings, elf::SHT_STRTAB.0.into(), 0, 0, at, size, 0, 0, 1, 0]);
    image.extend(&names);
    image.resize(image.len().next_multiple_of(8), 0);
    let start = image.len() as u64;
    put(&mut image, 40, &start.to_le_bytes());
    put(&mut image, 60, &(headers.len() as u16).to_le_bytes());
    put(&mut image, 62, &(headers.len() as u16 - 1).to_le_bytes());
    for header in &headers {
        for (value, size) in header.iter().zip([4, 4, 8, 8, 8, 8, 4, 4, 8, 8]) {
            image.extend(&value.to_le_bytes()[..size]);
        }
    }
    debug_assert_eq!(image.len(), start as usize + headers.len() * HEADER);
    fs::write(path, image)?;
    Ok(format!("{} keys and about {calls} calls", chosen.len()))
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = image.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
