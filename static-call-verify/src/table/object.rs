//! The object that brings an empty table into a link.

use object::elf;
use static_call::layout::{TABLE_SECTION, TableEntry, TableHeader};

use super::note::{NOTE_SECTION, note};
use crate::compiled::Compiled;
use crate::policy::Policy;

/// Returns an ELF relocatable object with an empty table of `capacity` entries, and a note with the
/// version of the verifier and the policy, so that the image's build id changes with them.
///
/// Both survive `--gc-sections`: the table is marked to be retained (`SHF_GNU_RETAIN`), and linkers
/// treat a note as a root of garbage collection.
#[must_use]
pub fn table_object(capacity: u32, policy: &Policy) -> Vec<u8> {
    noted(capacity, policy, None)
}

/// Like [`table_object`], and records how the rest of the image was compiled.
pub(crate) fn noted(capacity: u32, policy: &Policy, compiled: Option<Compiled>) -> Vec<u8> {
    let header = TableHeader { version: 0, capacity, count: 0, identity: 0, checksum: 0 };
    let mut table = header.to_bytes().to_vec();
    table.resize(TableHeader::SIZE + capacity as usize * TableEntry::SIZE, 0);
    let alloc = elf::SHF_ALLOC.0;
    let retain = elf::SHF_GNU_RETAIN.0;
    Writer::default()
        .section(TABLE_SECTION, elf::SHT_PROGBITS.0, alloc | retain, 8, &table)
        .section(NOTE_SECTION, elf::SHT_NOTE.0, alloc, 4, &note(policy, compiled))
        .section(".note.GNU-stack", elf::SHT_PROGBITS.0, 0, 1, &[])
        .finish()
}

/// Writes an ELF64 little-endian relocatable object for x86-64, section by section.
#[derive(Default)]
struct Writer {
    names: Vec<u8>,
    /// Section headers.
    headers: Vec<[u8; HEADER]>,
    /// Everything after the ELF header.
    body: Vec<u8>,
}

/// Length in bytes of an ELF header, and of a section header.
const HEADER: usize = 64;

impl Writer {
    fn section(mut self, name: &str, kind: u32, flags: u64, align: usize, data: &[u8]) -> Self {
        if self.headers.is_empty() {
            self.headers.push([0; HEADER]);
            self.names.push(0);
        }
        self.body.resize(self.body.len().next_multiple_of(align), 0);
        let mut h = Vec::with_capacity(HEADER);
        h.extend(u32::try_from(self.names.len()).unwrap_or(0).to_le_bytes());
        h.extend(kind.to_le_bytes());
        h.extend(flags.to_le_bytes());
        h.extend([0; 8]);
        h.extend(((HEADER + self.body.len()) as u64).to_le_bytes());
        h.extend((data.len() as u64).to_le_bytes());
        h.extend([0; 8]);
        h.extend((align as u64).to_le_bytes());
        h.extend([0; 8]);
        self.headers.extend(h.first_chunk::<HEADER>());
        self.names.extend(name.as_bytes());
        self.names.push(0);
        self.body.extend(data);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let mut names = std::mem::take(&mut self.names);
        let own = ".shstrtab";
        let own_at = names.len();
        names.extend(own.as_bytes());
        names.push(0);
        self.names = names.clone();
        // `section` appends the name, so leave only what comes before it.
        self.names.truncate(own_at);
        let mut w = self.section(own, elf::SHT_STRTAB.0, 0, 1, &names);
        w.body.resize(w.body.len().next_multiple_of(8), 0);
        let count = u16::try_from(w.headers.len()).unwrap_or(u16::MAX);
        // GNU ld supports `SHF_GNU_RETAIN` only in objects of its own OS ABI (`ELFOSABI_GNU`, 3).
        let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(elf::ET_REL.0.to_le_bytes());
        file.extend(elf::EM_X86_64.0.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend([0; 16]);
        file.extend(((HEADER + w.body.len()) as u64).to_le_bytes());
        file.extend(0u32.to_le_bytes());
        for half in [HEADER as u16, 0, 0, HEADER as u16, count, count - 1] {
            file.extend(half.to_le_bytes());
        }
        file.extend(&w.body);
        for header in &w.headers {
            file.extend(header);
        }
        file
    }
}
