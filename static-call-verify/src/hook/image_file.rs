//! The image that the linker has written, read as far as verifying it takes: most of one that is
//! made for debugging is debug information.

use std::io;
use std::ops::Range;
use std::path::Path;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::pieces::Pieces;

/// Where linkers write the program headers.
const HEAD: u64 = 4096;

/// The image at `path`, all of it or with zeros for what only [source
/// lines](crate::Policy::set_source_lines) are found with: what is neither loaded nor symbols nor
/// names.
pub(crate) fn read(path: &Path, all: bool) -> io::Result<Vec<u8>> {
    let file = Pieces::open(path)?;
    let length = file.length();
    // The system's zeros, which cost nothing where they stay.
    let mut image = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let holes = if all { None } else { holes(&file, &mut image)? };
    let mut at = 0;
    for hole in holes.unwrap_or_default() {
        file.read_in_place(at..hole.start, &mut image)?;
        at = hole.end;
    }
    file.read_in_place(at..length, &mut image)?;
    Ok(image)
}

/// What need not be read, in order and disjoint; `None` where the headers, which are read, leave a
/// doubt.
fn holes(file: &Pieces, image: &mut [u8]) -> io::Result<Option<Vec<Range<u64>>>> {
    let head = 0..file.length().min(HEAD);
    file.read_in_place(head.clone(), image)?;
    let Ok(header) = FileHeader64::<LE>::parse(&*image) else { return Ok(None) };
    let [sections, segments] = [
        range(header.e_shoff(LE), 64 * u64::from(header.e_shnum(LE))),
        range(header.e_phoff(LE), 56 * u64::from(header.e_phnum(LE))),
    ];
    if segments.end > head.end || sections.end > file.length() || sections.is_empty() {
        return Ok(None);
    }
    file.read_in_place(sections.clone(), image)?;
    Ok(between(image, vec![head, sections]))
}

/// The parts of an image that are neither `wanted` nor of a segment nor of a section that is wanted.
fn between(image: &[u8], mut wanted: Vec<Range<u64>>) -> Option<Vec<Range<u64>>> {
    let header = FileHeader64::<LE>::parse(image).ok()?;
    let loaded = header.program_headers(LE, image).ok()?.iter();
    let loaded = loaded.filter(|s| s.p_type(LE) == elf::PT_LOAD);
    wanted.extend(loaded.map(|s| range(s.p_offset(LE), s.p_filesz(LE))));
    let mut holes = Vec::new();
    for section in header.section_headers(LE, image).ok()? {
        let bytes = range(section.sh_offset(LE), section.sh_size(LE));
        let is_loaded = section.sh_flags(LE).contains(elf::SHF_ALLOC);
        match section.sh_type(LE) {
            elf::SHT_NULL | elf::SHT_NOBITS => {}
            elf::SHT_PROGBITS | elf::SHT_RELA if !is_loaded => holes.push(bytes),
            _ => wanted.push(bytes),
        }
    }
    holes.sort_unstable_by_key(|hole| hole.start);
    let mut end = 0;
    for hole in &holes {
        let is_free = |w: &Range<u64>| w.end <= hole.start || hole.end <= w.start;
        if hole.start < end || hole.end > image.len() as u64 || !wanted.iter().all(is_free) {
            return None;
        }
        end = hole.end;
    }
    Some(holes)
}

fn range(start: u64, size: u64) -> Range<u64> {
    start..start.saturating_add(size)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::output::Temporary;
    use super::*;

    /// This test's own program, which has debug information.
    fn program() -> Vec<u8> {
        fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    fn read_sparsely(name: &str, bytes: &[u8]) -> Vec<u8> {
        let name = format!("static-call-image-{name}-{}", std::process::id());
        let file = Temporary::new(std::env::temp_dir().join(name));
        fs::write(file.path(), bytes).unwrap();
        assert!(read(file.path(), true).unwrap() == bytes);
        read(file.path(), false).unwrap()
    }

    #[test]
    fn what_is_not_loaded_is_left_out() {
        let whole = program();
        let sparse = read_sparsely("whole", &whole);
        assert_eq!(sparse.len(), whole.len());
        let header = FileHeader64::<LE>::parse(whole.as_slice()).unwrap();
        let sections = header.sections(LE, whole.as_slice()).unwrap();
        let mut left_out = 0;
        for section in sections.iter() {
            let name = sections.section_name(LE, section).unwrap();
            let [data, read] =
                [&whole, &sparse].map(|image| section.data(LE, image.as_slice()).unwrap());
            if [&b".debug_info"[..], b".debug_line", b".comment"].contains(&name) {
                assert!(read.iter().all(|&b| b == 0));
                left_out += data.len();
            } else if section.sh_flags(LE).contains(elf::SHF_ALLOC) || name.ends_with(b"tab") {
                assert!(read == data, "{}", String::from_utf8_lossy(name));
            }
        }
        assert!(left_out > 1000, "a program without debug information tells nothing");
        let segments = header.program_headers(LE, whole.as_slice()).unwrap().iter();
        for segment in segments.filter(|s| s.p_type(LE) == elf::PT_LOAD) {
            let data = [&whole, &sparse].map(|image| segment.data(LE, image.as_slice()).unwrap());
            assert!(data[0] == data[1]);
        }
    }

    #[test]
    fn in_doubt_all_is_read() {
        let whole = program();
        let header = FileHeader64::<LE>::parse(whole.as_slice()).unwrap();
        let sections = header.sections(LE, whole.as_slice()).unwrap();
        let (index, _) = sections.section_by_name(LE, b".debug_info").unwrap();
        let (_, text) = sections.section_by_name(LE, b".text").unwrap();
        let place = header.e_shoff(LE) as usize + index.0 * 64;
        let text = text.sh_offset(LE);
        let end = whole.len() as u64;
        // `.debug_info` lies on top of the code or a header, or ends behind the file.
        for (offset, size) in [(text, 16), (0, 16), (64, 1), (end, 1), (end - 8, u64::MAX)] {
            let mut changed = whole.clone();
            changed[place + 24..][..8].copy_from_slice(&offset.to_le_bytes());
            changed[place + 32..][..8].copy_from_slice(&size.to_le_bytes());
            assert!(read_sparsely("changed", &changed) == changed, "{offset} {size}");
        }
        for length in [0, 10, 64, 5000] {
            assert!(read_sparsely("cut", &whole[..length]) == whole[..length], "{length}");
        }
    }
}
