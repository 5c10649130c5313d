//! How many entries the table of a link needs, from the link's inputs.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use crate::InputCounter;

/// Room where the inputs are bitcode, so that the calls are not there to be counted. Too much
/// costs 48 KiB, too little a second link.
const UNKNOWN: u32 = 4096;

const ARCHIVE: &[u8] = b"!<arch>\n";
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// Entries for these inputs; `None` if there are no static calls in them.
pub(crate) fn of(inputs: &[PathBuf]) -> Option<u32> {
    let mut counter = InputCounter::default();
    let mut unknown = false;
    // One for all: getting memory from the system costs as much as reading into it.
    let mut bytes = Vec::new();
    for input in inputs.iter().filter(|path| !is_of_toolchain(path)) {
        // What cannot be read is the linker's to complain about.
        if read_object(input, &mut bytes).is_ok_and(|is_object| is_object) {
            counter.add(&bytes);
            unknown = unknown || holds_bitcode(&bytes);
        }
    }
    match counter.entries() {
        n if unknown => Some(n.max(UNKNOWN)),
        0 => None,
        n => Some(n),
    }
}

/// The standard library has no static calls, and is most of what a small program links.
fn is_of_toolchain(path: &Path) -> bool {
    path.to_str().is_some_and(|p| p.contains("/lib/rustlib/"))
}

/// Reads the file to `bytes`, if it is an object, an archive or bitcode.
fn read_object(path: &Path, bytes: &mut Vec<u8>) -> io::Result<bool> {
    const RELOCATABLE: [u8; 2] = [1, 0];
    let mut start = [0; 18];
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() || file.read_exact(&mut start).is_err() {
        return Ok(false);
    }
    let is_object = start.starts_with(b"\x7fELF") && start[16..] == RELOCATABLE;
    let is_wanted =
        is_object || start.starts_with(ARCHIVE) || BITCODE.iter().any(|m| start.starts_with(m));
    if is_wanted {
        bytes.clear();
        file.rewind()?;
        file.read_to_end(bytes)?;
    }
    Ok(is_wanted)
}

/// Whether a file is bitcode or an archive with bitcode in it.
fn holds_bitcode(bytes: &[u8]) -> bool {
    let is_bitcode = |b: &[u8]| BITCODE.iter().any(|magic| b.starts_with(magic));
    let Some(mut rest) = bytes.strip_prefix(ARCHIVE) else { return is_bitcode(bytes) };
    // Members: a header of 60 bytes, its size field 10 decimal digits at 48, content, padding to 2.
    while let Some((header, content)) = rest.split_at_checked(60) {
        let size = std::str::from_utf8(&header[48..58]).ok().and_then(|s| s.trim().parse().ok());
        let Some(size) = size.filter(|s: &usize| *s <= content.len()) else { return false };
        if is_bitcode(&content[..size]) {
            return true;
        }
        rest = content.get(size + size % 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(members: &[&[u8]]) -> Vec<u8> {
        let mut bytes = ARCHIVE.to_vec();
        for member in members {
            bytes.extend_from_slice(format!("{:<48}{:<10}`\n", "name/", member.len()).as_bytes());
            bytes.extend_from_slice(member);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    #[test]
    fn bitcode_in_archives() {
        assert!(holds_bitcode(b"BC\xc0\xde and more"));
        assert!(!holds_bitcode(b"\x7fELF"));
        assert!(holds_bitcode(&archive(&[b"odd", b"BC\xc0\xde"])));
        assert!(!holds_bitcode(&archive(&[b"odd", b"even"])));
        assert!(!holds_bitcode(&archive(&[b"odd", b"BC\xc0\xde"])[..70]), "cut off");
        assert!(!holds_bitcode(ARCHIVE));
    }

    #[test]
    fn nothing_to_count() {
        assert_eq!(of(&["/nowhere/a.o".into(), "/".into(), "/dev/null".into()]), None);
    }
}
