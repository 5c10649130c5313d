//! Reads only the parts of an image's file that verification needs: just the headers if the program
//! has no static calls, and no debug information unless source lines are wanted.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::ident;
use super::pieces::Pieces;
use crate::sort;
use crate::threads;

/// Bytes read first: the file's header, and what usually follows it.
const HEAD: u64 = 4096;
/// Bytes that a thread reads at a time: much more than starting it costs.
const PIECE: u64 = 1 << 20;
/// Bytes that the system may not have.
const LARGE: u64 = 1 << 30;

/// Reads the image at `path`, with zeros for what [`verify`](crate::verify) does not look at:
///
/// - without `source_lines`, everything that is neither loaded nor symbols nor names;
/// - in an image without static calls, everything but headers and notes.
///
/// If the file is not an image for this target, returns only its beginning.
pub(crate) fn read(path: &Path, source_lines: bool) -> io::Result<Vec<u8>> {
    let file = Pieces::open(path)?;
    let length = file.length();
    let mut head = vec![0; length.min(HEAD) as usize];
    file.read_in_place(0..length.min(HEAD), &mut head)?;
    if ident::check(&head).is_err() {
        return Ok(head);
    }
    let size = usize::try_from(length).map_err(io::Error::other)?;
    if length > LARGE {
        // A file can have holes and be larger than all of memory. Smaller ones are not tried: glibc
        // would take the next piece of that size from memory that it must clear.
        Vec::<u8>::new().try_reserve_exact(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    }
    // Zeros from the system, which cost nothing as long as they are not written.
    let mut image = vec![0; size];
    let (start, _) = image.split_at_mut(head.len());
    start.copy_from_slice(&head);
    let known = headers(&file, &mut image)?;
    let wanted = known.and_then(|known| wanted(&image, known, source_lines));
    let all = 0..length;
    let wanted = wanted.as_deref().unwrap_or(std::slice::from_ref(&all));
    read_all(&file, wanted, &mut image)?;
    Ok(image)
}

/// Reads the headers after the first bytes and the names of sections, and returns where they are.
/// Returns `None` if the headers are doubtful.
fn headers(file: &Pieces, image: &mut [u8]) -> io::Result<Option<Headers>> {
    let length = file.length();
    let head = 0..length.min(HEAD);
    let Ok(header) = FileHeader64::<LE>::parse(&*image) else { return Ok(None) };
    let segments = range(header.e_phoff(LE), 56 * u64::from(header.e_phnum(LE)));
    let sections = range(header.e_shoff(LE), 64 * u64::from(header.e_shnum(LE)));
    if segments.end > length || sections.end > length || sections.is_empty() {
        return Ok(None);
    }
    file.read_in_place(segments.clone(), image)?;
    file.read_in_place(sections.clone(), image)?;
    let Some(names) = names(image) else { return Ok(None) };
    file.read_in_place(names.clone(), image)?;
    Ok(Some([head, segments, sections, names]))
}

/// Where the headers are in a file: those of the file, the segments and the sections, and the
/// sections' names.
type Headers = [Range<u64>; 4];

/// Returns where the names of sections are.
fn names(image: &[u8]) -> Option<Range<u64>> {
    let header = FileHeader64::<LE>::parse(image).ok()?;
    let index = usize::try_from(header.shstrndx(LE, image).ok()?).ok()?;
    let section = header.section_headers(LE, image).ok()?.get(index)?;
    let names = range(section.sh_offset(LE), section.sh_size(LE));
    (names.end <= image.len() as u64).then_some(names)
}

/// Returns what must be read, in order and disjoint; `None` if the headers are doubtful.
fn wanted(image: &[u8], known: Headers, source_lines: bool) -> Option<Vec<Range<u64>>> {
    let [.., names] = &known;
    let names = image.get(names.start as usize..names.end as usize)?;
    // The sections of every version, including the slices of records.
    let mark = b"static_call_";
    let has_static_calls = names.windows(mark.len()).any(|w| w.eq_ignore_ascii_case(mark));
    if !has_static_calls {
        let all = known.into_iter().chain(notes(image)?).collect();
        return disjoint(all, image.len() as u64);
    }
    let holes = if source_lines { Vec::new() } else { holes(image, known.into())? };
    let starts = [0].into_iter().chain(holes.iter().map(|hole| hole.end));
    let ends = holes.iter().map(|hole| hole.start).chain([image.len() as u64]);
    Some(starts.zip(ends).map(|(start, end)| start..end).collect())
}

/// Returns the parts that determine what kind of image it is.
fn notes(image: &[u8]) -> Option<Vec<Range<u64>>> {
    let header = FileHeader64::<LE>::parse(image).ok()?;
    let segments = header.program_headers(LE, image).ok()?.iter();
    let segments = segments.filter(|s| matches!(s.p_type(LE), elf::PT_DYNAMIC | elf::PT_NOTE));
    let sections = header.section_headers(LE, image).ok()?.iter();
    let sections = sections.filter(|s| s.sh_type(LE) == elf::SHT_NOTE);
    let segments = segments.map(|s| range(s.p_offset(LE), s.p_filesz(LE)));
    Some(segments.chain(sections.map(|s| range(s.sh_offset(LE), s.sh_size(LE)))).collect())
}

/// Returns the sections that need not be read, in order; `None` if one of them overlaps anything.
fn holes(image: &[u8], mut wanted: Vec<Range<u64>>) -> Option<Vec<Range<u64>>> {
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
    sort::by_key(&mut holes, |hole| [hole.start, 0]);
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

/// Returns the union of ranges; `None` if one ends after `length`.
fn disjoint(mut ranges: Vec<Range<u64>>, length: u64) -> Option<Vec<Range<u64>>> {
    sort::by_key(&mut ranges, |range| [range.start, 0]);
    let mut union: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match union.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => union.push(range),
        }
    }
    union.iter().all(|range| range.end <= length).then_some(union)
}

/// Reads ranges, in order and disjoint, to their places, with several threads if there is much to
/// read.
fn read_all(file: &Pieces, ranges: &[Range<u64>], image: &mut [u8]) -> io::Result<()> {
    const MOST_THREADS: usize = 8;
    let mut pieces = Vec::new();
    let (mut rest, mut at) = (image, 0);
    for range in ranges {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + PIECE);
            let tail = std::mem::take(&mut rest).split_at_mut_checked((start - at) as usize);
            let piece = tail.and_then(|(_, t)| t.split_at_mut_checked((end - start) as usize));
            let (piece, tail) = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
            pieces.push((start, piece));
            (rest, at, start) = (tail, end, end);
        }
    }
    // With few pieces, the first is read before a thread has started.
    let threads = threads::count(pieces.len(), 2).min(MOST_THREADS);
    let pieces = Mutex::new(pieces);
    let work = |_| {
        let next = || pieces.lock().ok()?.pop();
        while let Some((start, piece)) = next() {
            file.read_exact(start, piece)?;
        }
        io::Result::Ok(())
    };
    threads::each(threads, work).into_iter().collect()
}

fn range(start: u64, size: u64) -> Range<u64> {
    start..start.saturating_add(size)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MARK: &[u8] = b"static_call_";

    /// Returns this test's own program, which has debug information. One section gets a name of
    /// static calls.
    fn program() -> Vec<u8> {
        let mut program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let names = names(&program).unwrap();
        let names = &mut program[names.start as usize..names.end as usize];
        let own = b".gcc_except_table";
        let at = names.windows(own.len()).position(|name| name == own).unwrap();
        names[at..][..MARK.len()].copy_from_slice(MARK);
        program
    }

    /// Returns the program with its sections of static calls renamed.
    fn without_static_calls(mut program: Vec<u8>) -> Vec<u8> {
        let names = names(&program).unwrap();
        let names = &mut program[names.start as usize..names.end as usize];
        let is_mark = |at: &usize| {
            names[*at..].len() >= MARK.len()
                && names[*at..][..MARK.len()].eq_ignore_ascii_case(MARK)
        };
        let marks: Vec<usize> = (0..names.len()).filter(is_mark).collect();
        for at in marks {
            names[at] = b'x';
        }
        program
    }

    /// Returns what is read with source lines, and without.
    fn read_both(name: &str, bytes: &[u8]) -> [Vec<u8>; 2] {
        let name = format!("static-call-image-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, bytes).unwrap();
        let both = [true, false].map(|source_lines| read(&path, source_lines).unwrap());
        fs::remove_file(&path).unwrap();
        both
    }

    fn read_sparsely(name: &str, bytes: &[u8]) -> Vec<u8> {
        let [whole, sparse] = read_both(name, bytes);
        assert!(whole == bytes);
        sparse
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
        assert!(left_out > 1000, "a program without debug information tests nothing");
        let segments = header.program_headers(LE, whole.as_slice()).unwrap().iter();
        for segment in segments.filter(|s| s.p_type(LE) == elf::PT_LOAD) {
            let data = [&whole, &sparse].map(|image| segment.data(LE, image.as_slice()).unwrap());
            assert!(data[0] == data[1]);
        }
    }

    #[test]
    fn without_static_calls_only_headers_and_notes_are_read() {
        let count = |bytes: &[u8]| bytes.iter().filter(|&&b| b != 0).count();
        let given = program();
        assert!(count(&read_sparsely("given", &given)) > 200_000);
        let plain = without_static_calls(given);
        let [with_lines, sparse] = read_both("plain", &plain);
        assert!(with_lines == sparse);
        assert!(count(&sparse) < 20_000);
        let policy = crate::Policy::default();
        assert_eq!(crate::verify(&sparse, &policy), crate::verify(&plain, &policy));
    }

    #[test]
    fn pieces_are_read_to_their_places() {
        let mut bytes: Vec<u8> = (0..77_777_u32).map(|i| (i / 3) as u8).collect();
        bytes = bytes.repeat(5 * PIECE as usize / bytes.len());
        let path = std::env::temp_dir().join(format!("static-call-pieces-{}", std::process::id()));
        fs::write(&path, &bytes).unwrap();
        let file = Pieces::open(&path).unwrap();
        let ranges = [3..7, 4096..2 * PIECE + 1, 2 * PIECE + 5..bytes.len() as u64];
        let mut image = vec![0; bytes.len()];
        read_all(&file, &ranges, &mut image).unwrap();
        let mut expected = vec![0; bytes.len()];
        for range in ranges.map(|range| range.start as usize..range.end as usize) {
            expected[range.clone()].copy_from_slice(&bytes[range]);
        }
        assert!(image == expected);
        let length = bytes.len() as u64;
        assert!(read_all(&file, &[5..8, length - 1..length + 1], &mut image).is_err());
        fs::write(&path, &bytes[1..]).unwrap();
        assert!(read_all(&file, &[5..8, 9..length], &mut image).is_err(), "it has shrunk");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_not_an_image_is_not_read() {
        let path = std::env::temp_dir().join(format!("static-call-hole-{}", std::process::id()));
        let bytes = program();
        let overcommit = fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
        for (head, is_image) in [(&b"MZ"[..], false), (&bytes[..HEAD as usize], true)] {
            if is_image && overcommit.trim() == "1" {
                // Such a system grants any request for memory.
                continue;
            }
            fs::write(&path, head).unwrap();
            // Larger than an address space, if the file system supports files of that size.
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let is_long = (40..47).rev().any(|bits| file.set_len(1 << bits).is_ok());
            match read(&path, true) {
                Ok(bytes) => assert!(!is_image && bytes.len() == HEAD as usize),
                Err(error) => assert!(is_image && error.kind() == io::ErrorKind::OutOfMemory),
            }
            assert!(is_long);
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn if_in_doubt_everything_is_read() {
        let whole = program();
        let header = FileHeader64::<LE>::parse(whole.as_slice()).unwrap();
        let sections = header.sections(LE, whole.as_slice()).unwrap();
        let (index, _) = sections.section_by_name(LE, b".debug_info").unwrap();
        let (_, text) = sections.section_by_name(LE, b".text").unwrap();
        let place = header.e_shoff(LE) as usize + index.0 * 64;
        let text = text.sh_offset(LE);
        let end = whole.len() as u64;
        // `.debug_info` overlaps the code or a header, or ends after the file.
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
