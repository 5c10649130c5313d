//! Finds the objects among the inputs of a link that have jump labels or mention trampolines. Each
//! is read only as far as necessary to decide: most of an input is unrelated code and debug
//! information.

use std::io;
use std::ops::Range;
use std::path::Path;

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, SectionHeader64};
use object::pod;
use object::read::elf::{FileHeader, SectionHeader};

use super::inputs::{has_mark, may_be_records};
use crate::elf::pieces::Pieces;

const ARCHIVE: &[u8] = b"!<arch>\n";
/// The header of a member. The size is at offset 48, up to 10 decimal digits.
const MEMBER: u64 = 60;
/// The header of an object.
const HEADER: u64 = 64;
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// Reads inputs with memory that is reused for all of them: getting it from the system costs as
/// much as reading into it.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// Whether an input was bitcode, about which nothing is known.
    pub(crate) have_bitcode: bool,
    memory: Vec<u8>,
}

impl Objects {
    /// Passes to `each` the objects in the file at `path` that have jump labels or mention
    /// trampolines. The file is an object, an archive, or anything else, which has none.
    ///
    /// The linker will complain about what cannot be read.
    pub(crate) fn read(&mut self, path: &Path, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let file = Pieces::open(path)?;
        let length = file.length();
        if file.read(0..length.min(8), &mut self.memory)? != ARCHIVE {
            return self.part(&file, 0..length, &mut each);
        }
        let mut at = ARCHIVE.len() as u64;
        while at + MEMBER <= length {
            let header = file.read(at..at + MEMBER, &mut self.memory)?;
            let (name, size) = member(header).ok_or(io::ErrorKind::InvalidData)?;
            let start = at + MEMBER;
            let end = start.saturating_add(size);
            if end > length || name > size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.part(&file, start + name..end, &mut each)?;
            at = end + end % 2;
        }
        Ok(())
    }

    /// Reads an object at `range` of the file.
    fn part(
        &mut self,
        file: &Pieces,
        range: Range<u64>,
        each: &mut impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let head = file.read(range.start..range.end.min(range.start + HEADER), &mut self.memory)?;
        self.have_bitcode |= BITCODE.iter().any(|magic| head.starts_with(magic));
        let Some((count, sections)) = section_headers(head) else { return Ok(()) };
        if self.is_relevant(file, &range, count, sections)? {
            each(file.read(range, &mut self.memory)?);
        }
        Ok(())
    }

    /// Returns whether an object has records, or a name of a section or symbol with the mark of a
    /// trampoline.
    fn is_relevant(
        &mut self,
        file: &Pieces,
        range: &Range<u64>,
        count: usize,
        sections: u64,
    ) -> io::Result<bool> {
        let inside = |offset: u64, size: u64| {
            let start = range.start.checked_add(offset)?;
            Some(start..start.checked_add(size)?).filter(|r| r.end <= range.end)
        };
        let size = (count * size_of::<SectionHeader64<LE>>()) as u64;
        // More sections than the header can count, or a damaged object: read it whole.
        let Some(headers) = inside(sections, size).filter(|_| count != 0) else { return Ok(true) };
        let headers = file.read(headers, &mut self.memory)?;
        let headers = pod::slice_from_bytes::<SectionHeader64<LE>>(headers, count);
        let headers = headers.map(|(headers, _)| headers).unwrap_or_default();
        let mut tables = Vec::new();
        for header in headers {
            if may_be_records(header) {
                return Ok(true);
            }
            if header.sh_type(LE) == elf::SHT_STRTAB {
                tables.push(inside(header.sh_offset(LE), header.sh_size(LE)));
            }
        }
        let mut left = range.end - range.start;
        for table in tables {
            let Some(table) = table else { return Ok(true) };
            // Overlapping tables would be read many times.
            let Some(rest) = left.checked_sub(table.end - table.start) else { return Ok(true) };
            left = rest;
            if has_mark(file.read(table, &mut self.memory)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns the length of an archive member according to its header, and how much of that is its
/// name: BSD puts a long name before the contents.
fn member(header: &[u8]) -> Option<(u64, u64)> {
    let number = |digits: &[u8]| std::str::from_utf8(digits.trim_ascii()).ok()?.parse().ok();
    let name = header.get(..16)?.strip_prefix(b"#1/").map_or(Some(0), number)?;
    Some((name, number(header.get(48..58)?)?))
}

/// Returns number and offset of the section headers, if these bytes begin an object for this
/// target.
fn section_headers(bytes: &[u8]) -> Option<(usize, u64)> {
    let header = FileHeader64::<LE>::parse(bytes).ok()?;
    let is_object = header.e_type(LE) == elf::ET_REL && header.e_machine(LE) == elf::EM_X86_64;
    is_object.then(|| (header.e_shnum(LE).into(), header.e_shoff(LE)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::atomic_file::Temporary;

    /// Returns an object with one section of names.
    fn object(names: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16..20].copy_from_slice(&[1, 0, 62, 0]);
        bytes[20] = 1;
        bytes[40] = 64;
        bytes[58] = 64;
        bytes[60] = 1;
        let mut section = [0; 64];
        section[4] = 3;
        section[24] = 128;
        section[32..40].copy_from_slice(&(names.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&section);
        bytes.extend_from_slice(names);
        bytes
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = ARCHIVE.to_vec();
        for (name, member) in members {
            bytes.extend_from_slice(format!("{name:<48}{:<10}`\n", member.len()).as_bytes());
            bytes.extend_from_slice(member);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    /// Returns what `Objects::read` passes on for a file, and whether the file has bitcode.
    fn read(name: &str, bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let name = format!("static-call-objects-{name}-{}", std::process::id());
        let file = Temporary::new(std::env::temp_dir().join(name));
        fs::write(file.path(), bytes).unwrap();
        let (mut objects, mut shown) = (Objects::default(), Vec::new());
        let _ = objects.read(file.path(), |object| shown.push(object.to_vec()));
        (shown, objects.have_bitcode)
    }

    #[test]
    fn objects_that_mention_trampolines() {
        let [with, without] = [&b"\0a10trampoline\0"[..], b"\0a10trampolin\0"].map(object);
        assert_eq!(read("with", &with).0, [&with[..]]);
        assert_eq!(read("without", &without).0, [&b""[..]; 0]);
        let long = [b"a/long/name", &with[..]].concat();
        let all = archive(&[("/", b"odd"), ("x/", &without), ("y/", &with), ("#1/11", &long)]);
        assert_eq!(read("archive", &all).0, [&with[..], &with[..]]);
        // The last member is cut off, and therefore damaged.
        assert_eq!(read("cut", &all[..all.len() - 2]).0, [&with[..]]);
        let mut other = with.clone();
        other[18] = 183;
        assert_eq!(read("aarch64", &other).0, [&b""[..]; 0]);
    }

    #[test]
    fn damaged_objects_are_read_whole() {
        let sound = object(b"\0names\0");
        for (at, byte) in [(60, 0), (60, 200), (64 + 24, 200), (64 + 38, 1)] {
            let mut damaged = sound.clone();
            damaged[at] = byte;
            assert_eq!(read(&format!("{at}-{byte}"), &damaged).0, [&damaged[..]], "{at}");
        }
    }

    #[test]
    fn bitcode() {
        assert!(read("bitcode", b"BC\xc0\xde and more").1);
        assert!(!read("elf", b"\x7fELF").1);
        assert!(read("odd", &archive(&[("a/", b"odd"), ("b/", b"BC\xc0\xde")])).1);
        assert!(!read("even", &archive(&[("a/", b"odd"), ("b/", b"even")])).1);
        assert!(!read("cut-off", &archive(&[("a/", b"odd"), ("b/", b"BC\xc0\xde")])[..70]).1);
        assert!(!read("none", ARCHIVE).1);
    }
}
