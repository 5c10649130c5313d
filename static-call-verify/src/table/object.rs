//! The object that brings an empty table into a link, and room for names of functions.

use object::elf;
use static_call::layout::{
    PLACES_LEAST, PLACES_ROOM, PLACES_SECTION, PlacesHeader, TABLE_SECTION, TableEntry, TableHeader,
};

use super::note::{NOTE_SECTION, note};
use crate::compiled::Compiled;
use crate::policy::Policy;

/// What an object reserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Entries of the table.
    pub(crate) entries: u32,
    /// Calls and jump labels whose functions are named, or `None` if none is.
    pub(crate) named: Option<u32>,
}

/// Returns an ELF relocatable object with an empty table of `capacity` entries, room for the names
/// of as many functions, and a note with the version of the verifier and the policy, so that the
/// image's build id changes with them.
///
/// All of it survives `--gc-sections`: table and names are marked to be retained
/// (`SHF_GNU_RETAIN`), and linkers treat a note as a root of garbage collection.
#[must_use]
pub fn table_object(capacity: u32, policy: &Policy) -> Vec<u8> {
    noted(Room { entries: capacity, named: Some(capacity) }, policy, None)
}

/// Like [`table_object`], and records how the rest of the image was compiled.
pub(crate) fn noted(room: Room, policy: &Policy, compiled: Option<Compiled>) -> Vec<u8> {
    let retained = elf::SHF_ALLOC.0 | elf::SHF_GNU_RETAIN.0;
    let mut writer =
        Writer::default().section(TABLE_SECTION, PROGBITS, retained, 8, &table(room.entries));
    if let Some(named) = room.named {
        writer = writer.section(PLACES_SECTION, PROGBITS, retained, 8, &places(named));
    }
    writer
        .section(NOTE_SECTION, elf::SHT_NOTE.0, elf::SHF_ALLOC.0, 4, &note(policy, compiled))
        .section(".note.GNU-stack", PROGBITS, 0, 1, &[])
        .finish()
}

const PROGBITS: u32 = elf::SHT_PROGBITS.0;

fn table(capacity: u32) -> Vec<u8> {
    let header = TableHeader { version: 0, capacity, count: 0, identity: 0, checksum: 0 };
    let mut table = vec![0; TableHeader::SIZE + capacity as usize * TableEntry::SIZE];
    table[..TableHeader::SIZE].copy_from_slice(&header.to_bytes());
    table
}

fn places(named: u32) -> Vec<u8> {
    let capacity = named.saturating_mul(PLACES_ROOM).saturating_add(PLACES_LEAST);
    let (version, count, names) = (0, 0, 0);
    let (identity, checksum) = (0, 0);
    let header = PlacesHeader { version, capacity, count, names, identity, checksum };
    let mut places = vec![0; PlacesHeader::SIZE + capacity as usize];
    places[..PlacesHeader::SIZE].copy_from_slice(&header.to_bytes());
    places
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
