//! The helper's image, which tests damage and run.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use static_call::layout::{
    PLACES_SECTION, TABLE_SECTION, TRAMPOLINES_SECTION, TableEntry, TableHeader, checksum,
};
use static_call::{Grade, Kind};

/// The helper's image and the places of its parts.
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    /// The table's offset in the file and its address.
    pub(crate) table: (usize, u64),
    /// The offset in the file of the names of functions.
    pub(crate) places: usize,
    /// The trampoline records' offset in the file.
    pub(crate) records: usize,
    /// The code's address minus its offset in the file.
    pub(crate) text: u64,
}

/// A file that is open for writing cannot be run, and children of other threads inherit it for a
/// moment. So tests take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The output of a run of an image.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) inline: usize,
    pub(crate) trampoline: usize,
    pub(crate) problems: Vec<String>,
    pub(crate) text: String,
}

impl Image {
    pub(crate) fn new() -> Self {
        let bytes = std::fs::read(env!("CARGO_BIN_EXE_rules_helper")).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let place = |name: &str| {
            let section = file.section_by_name(name).expect(name);
            (section.file_range().unwrap().0 as usize, section.address())
        };
        let table = place(TABLE_SECTION);
        let places = place(PLACES_SECTION).0;
        let records = place(TRAMPOLINES_SECTION).0;
        let (offset, address) = place(".text");
        let text = address - offset as u64;
        Self { table, places, records, text, bytes }
    }

    pub(crate) fn header(&self) -> TableHeader {
        let bytes = self.bytes[self.table.0..].first_chunk().unwrap();
        TableHeader::from_bytes(bytes).expect("a table")
    }

    pub(crate) fn set_header(&mut self, header: TableHeader) {
        let at = self.table.0;
        self.bytes[at..at + TableHeader::SIZE].copy_from_slice(&header.to_bytes());
    }

    pub(crate) fn entry_at(&self, index: usize) -> usize {
        self.table.0 + TableHeader::SIZE + index * TableEntry::SIZE
    }

    pub(crate) fn entry(&self, index: usize) -> TableEntry {
        let bytes = self.bytes[self.entry_at(index)..].first_chunk().unwrap();
        TableEntry::from_bytes(bytes).expect("an entry")
    }

    pub(crate) fn entry_address(&self, index: usize) -> u64 {
        self.table.1 + (TableHeader::SIZE + index * TableEntry::SIZE) as u64
    }

    /// Returns the address of an entry's instruction.
    pub(crate) fn instruction(&self, index: usize) -> u64 {
        self.entry_address(index).wrapping_add_signed(self.entry(index).instruction.into())
    }

    pub(crate) fn set_entry(&mut self, index: usize, bytes: &[u8; TableEntry::SIZE]) {
        let at = self.entry_at(index);
        self.bytes[at..at + TableEntry::SIZE].copy_from_slice(bytes);
    }

    /// Corrects the checksum.
    pub(crate) fn seal(&mut self) {
        let header = self.header();
        let entries = self.entry_at(0)..self.entry_at(header.count as usize);
        let checksum = checksum(&self.bytes[entries]);
        self.set_header(TableHeader { checksum, ..header });
    }

    /// Returns the entries of calls that can be patched.
    pub(crate) fn patchable(&self) -> Vec<usize> {
        let count = self.header().count as usize;
        let is = |&i: &usize| {
            let entry = self.entry(i);
            entry.kind == Kind::Call && entry.grade == Grade::Quad
        };
        (0..count).filter(is).collect()
    }

    /// Returns an entry for code that is never executed.
    pub(crate) fn never_called(&self) -> usize {
        let file = object::File::parse(&*self.bytes).unwrap();
        let symbol = file
            .symbols()
            .find(|s| {
                let is_it = s.name().is_ok_and(|name| name.contains("rules_helper_never_called"));
                is_it && s.kind() == SymbolKind::Text && s.size() > 8
            })
            .expect("the helper has this function");
        let code = symbol.address()..symbol.address() + symbol.size();
        let mut entries = 0..self.header().count as usize;
        entries.find(|&i| code.contains(&self.instruction(i))).expect("it has a call")
    }

    /// Runs the image, which must end with only correct results.
    pub(crate) fn run(&self, what: &str) -> Outcome {
        let _turn = turn();
        let path: PathBuf =
            [env!("CARGO_TARGET_TMPDIR"), &format!("rules_{what}")].iter().collect();
        let _ = std::fs::remove_file(&path);
        let mut file = std::fs::File::options();
        let mut file = file.write(true).create_new(true).mode(0o755).open(&path).unwrap();
        std::io::Write::write_all(&mut file, &self.bytes).unwrap();
        drop(file);
        let output = support::finish(Command::new(&path));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{what}: {}\n{text}", output.status);
        let _ = std::fs::remove_file(&path);
        let init = text.lines().find_map(|l| l.strip_prefix("init ")).expect("a line");
        let counts: Vec<usize> = init.split(' ').map(|n| n.parse().unwrap()).collect();
        let problems = text
            .lines()
            .filter(|l| l.starts_with("problem Some") || l.starts_with("problem None"))
            .map(Into::into)
            .collect();
        Outcome { inline: counts[0], trampoline: counts[1], problems, text }
    }
}

impl Outcome {
    /// Asserts that the whole table is refused for this reason.
    pub(crate) fn assert_refused(&self, reason: &str) {
        assert_eq!(self.inline, 0, "{self:?}");
        assert!(self.trampoline > 0, "trampolines need no table: {self:?}");
        assert!(self.problems.iter().any(|f| f.contains(reason)), "{reason}: {self:?}");
    }
}
