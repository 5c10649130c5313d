//! Images that were damaged after the link: nothing is written that is not proved, every result is right, and a
//! finding says what is wrong.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod support;

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use static_call::layout::{
    TABLE_SECTION, TRAMPOLINES_SECTION, TableEntry, TableHeader, TrampolineRecord, checksum,
};
use static_call::{Grade, Kind};

/// The helper's image, and where its parts are.
struct Image {
    bytes: Vec<u8>,
    /// Offset in the file and address of the table.
    table: (usize, u64),
    /// Offset in the file of the trampoline records.
    records: usize,
    /// Address minus offset in the file of the code.
    text: u64,
}

/// A file that is open for writing cannot be run, and a child of another thread has it open for a moment.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run of an image told.
#[derive(Debug)]
struct Told {
    inline: usize,
    trampoline: usize,
    findings: Vec<String>,
    text: String,
}

impl Image {
    fn new() -> Self {
        let bytes = std::fs::read(env!("CARGO_BIN_EXE_rules_helper")).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let place = |name: &str| {
            let section = file.section_by_name(name).expect(name);
            (section.file_range().unwrap().0 as usize, section.address())
        };
        let table = place(TABLE_SECTION);
        let records = place(TRAMPOLINES_SECTION).0;
        let (offset, address) = place(".text");
        let text = address - offset as u64;
        Self { table, records, text, bytes }
    }

    fn header(&self) -> TableHeader {
        let bytes = self.bytes[self.table.0..].first_chunk().unwrap();
        TableHeader::from_bytes(bytes).expect("a table")
    }

    fn set_header(&mut self, header: TableHeader) {
        let at = self.table.0;
        self.bytes[at..at + TableHeader::SIZE].copy_from_slice(&header.to_bytes());
    }

    fn entry_at(&self, index: usize) -> usize {
        self.table.0 + TableHeader::SIZE + index * TableEntry::SIZE
    }

    fn entry(&self, index: usize) -> TableEntry {
        let bytes = self.bytes[self.entry_at(index)..].first_chunk().unwrap();
        TableEntry::from_bytes(bytes).expect("an entry")
    }

    fn entry_address(&self, index: usize) -> u64 {
        self.table.1 + (TableHeader::SIZE + index * TableEntry::SIZE) as u64
    }

    /// Address of the instruction of an entry.
    fn instruction(&self, index: usize) -> u64 {
        self.entry_address(index).wrapping_add_signed(self.entry(index).instruction.into())
    }

    fn set_entry(&mut self, index: usize, bytes: &[u8; TableEntry::SIZE]) {
        let at = self.entry_at(index);
        self.bytes[at..at + TableEntry::SIZE].copy_from_slice(bytes);
    }

    /// Makes the checksum right again.
    fn seal(&mut self) {
        let header = self.header();
        let entries = self.entry_at(0)..self.entry_at(header.count as usize);
        let checksum = checksum(&self.bytes[entries]);
        self.set_header(TableHeader { checksum, ..header });
    }

    /// The entries of calls that can be patched.
    fn patchable(&self) -> Vec<usize> {
        let count = self.header().count as usize;
        let is = |&i: &usize| {
            let entry = self.entry(i);
            entry.kind == Kind::Call && entry.grade == Grade::Quad
        };
        (0..count).filter(is).collect()
    }

    /// An entry of the code that is never executed.
    fn never_called(&self) -> usize {
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
        entries.find(|&i| code.contains(&self.instruction(i))).expect("a call in it")
    }

    /// Runs the image; it must come to its end with right results only.
    fn run(&self, what: &str) -> Told {
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
        let findings = text
            .lines()
            .filter(|l| l.starts_with("finding Some") || l.starts_with("finding None"))
            .map(Into::into)
            .collect();
        Told { inline: counts[0], trampoline: counts[1], findings, text }
    }
}

impl Told {
    /// The table as a whole is refused, with this reason.
    fn assert_refused(&self, reason: &str) {
        assert_eq!(self.inline, 0, "{self:?}");
        assert!(self.trampoline > 0, "trampolines need no table: {self:?}");
        assert!(self.findings.iter().any(|f| f.contains(reason)), "{reason}: {self:?}");
    }
}

#[test]
fn an_intact_image_is_inline() {
    let told = Image::new().run("intact");
    assert!(told.inline >= 3, "{told:?}");
    assert_eq!(told.findings, [""; 0]);
}

#[test]
fn a_stripped_image_is_still_itself() {
    let path: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "rules_stripped"].iter().collect();
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&path).arg(env!("CARGO_BIN_EXE_rules_helper"));
    {
        let _turn = turn();
        assert!(support::finish(strip).status.success());
    }
    let image = Image { bytes: std::fs::read(&path).unwrap(), ..Image::new() };
    let told = image.run("stripped_copy");
    assert_eq!(told.inline, Image::new().run("not_stripped").inline);
    assert_eq!(told.findings, [""; 0]);
}

/// Each byte of the header and of the entries.
#[test]
fn a_flipped_byte_in_the_table_refuses_it() {
    let intact = Image::new();
    let end = TableHeader::SIZE + intact.header().count as usize * TableEntry::SIZE;
    let mut refused = 0;
    for at in 0..end {
        let mut image = Image::new();
        image.bytes[intact.table.0 + at] ^= 0x11;
        let told = image.run("flipped");
        // More room than there is does not matter.
        let is_capacity = (12..16).contains(&at);
        if is_capacity && told.inline > 0 {
            continue;
        }
        told.assert_refused("the table is not used");
        refused += 1;
    }
    assert!(refused >= end - 4);
}

#[test]
fn a_table_of_another_kind_is_refused_by_name() {
    let header = Image::new().header();
    let cases = [
        (TableHeader { version: header.version + 1, ..header }, "version"),
        (TableHeader { version: 0, ..header }, "did not fill it"),
        (TableHeader { identity: header.identity ^ 1, ..header }, "another layout"),
        (TableHeader { checksum: header.checksum ^ 1, ..header }, "checksum"),
        (TableHeader { count: header.capacity + 1, ..header }, "cut short"),
    ];
    for (other, reason) in cases {
        let mut image = Image::new();
        image.set_header(other);
        image.run("other_header").assert_refused(reason);
    }
}

/// The checksum is right, and an entry is not: that one is left alone, with a finding at its place.
fn one_entry_is_left_alone(what: &str, reason: &str, damage: impl FnOnce(&mut Image, usize)) {
    let mut image = Image::new();
    let intact = image.run(&format!("before_{what}"));
    let index = image.never_called();
    assert!(image.patchable().contains(&index), "a call in the last crate is aligned");
    damage(&mut image, index);
    image.seal();
    let told = image.run(what);
    assert!(told.inline < intact.inline, "{what}: {told:?}");
    assert!(told.inline > 0, "the others are not touched by it: {told:?}");
    assert!(told.findings.iter().any(|f| f.contains(reason)), "{what}: {told:?}");
}

#[test]
fn an_entry_that_is_none_is_left_alone() {
    one_entry_is_left_alone("bad_kind", "not an entry", |image, index| {
        let mut bytes = image.entry(index).to_bytes();
        bytes[8] = 77;
        image.set_entry(index, &bytes);
    });
}

/// What the verifier did not prove is not called a short jump.
#[test]
fn a_call_without_a_grade_is_told_as_what_it_is() {
    for (what, length) in [("ungraded", 5), ("bytes", 0)] {
        let mut image = Image::new();
        let index = image.never_called();
        let entry = TableEntry { grade: Grade::None, length, ..image.entry(index) };
        image.set_entry(index, &entry.to_bytes());
        image.seal();
        let told = image.run(what);
        let line = told.text.lines().find(|l| l.contains("not proved safe to rewrite"));
        assert!(line.is_some_and(|l| l.contains("1 x call")), "{told:?}");
        assert!(!told.text.contains("short jump"), "{told:?}");
    }
}

#[test]
fn an_entry_outside_of_the_code_is_left_alone() {
    for (what, by) in [("far", 0x7000_0000), ("before", -0x1000_0000)] {
        one_entry_is_left_alone(what, "not lie in this image's code", |image, index| {
            let entry = image.entry(index);
            let entry = TableEntry { instruction: entry.instruction.wrapping_add(by), ..entry };
            image.set_entry(index, &entry.to_bytes());
        });
    }
}

#[test]
fn an_entry_in_the_middle_of_an_instruction_is_left_alone() {
    for by in [-3, -1, 1, 2, 8] {
        one_entry_is_left_alone("moved", "not what was recorded", |image, index| {
            let entry = image.entry(index);
            let entry = TableEntry { instruction: entry.instruction + by, ..entry };
            image.set_entry(index, &entry.to_bytes());
        });
    }
}

#[test]
fn an_entry_of_another_trampoline_is_left_alone() {
    one_entry_is_left_alone("no_trampoline", "does not exist", |image, index| {
        let entry = image.entry(index);
        let entry = TableEntry { trampoline: entry.trampoline + 8 * 4096, ..entry };
        image.set_entry(index, &entry.to_bytes());
    });
    one_entry_is_left_alone("other_trampoline", "not what was recorded", |image, index| {
        let entry = image.entry(index);
        let trampoline =
            |i: usize| image.entry_address(i).wrapping_add_signed(image.entry(i).trampoline.into());
        let count = image.header().count as usize;
        let other = (0..count).find(|&i| trampoline(i) != trampoline(index)).unwrap();
        let distance = trampoline(other).wrapping_sub(image.entry_address(index)) as i64;
        let entry = TableEntry { trampoline: distance.try_into().unwrap(), ..entry };
        image.set_entry(index, &entry.to_bytes());
    });
}

#[test]
fn an_entry_with_another_grade_or_length_is_left_alone() {
    one_entry_is_left_alone("grade", "not what was recorded", |image, index| {
        let entry = TableEntry { grade: Grade::Disp, ..image.entry(index) };
        image.set_entry(index, &entry.to_bytes());
    });
    one_entry_is_left_alone("length", "not what was recorded", |image, index| {
        let entry = TableEntry { length: 6, ..image.entry(index) };
        image.set_entry(index, &entry.to_bytes());
    });
    one_entry_is_left_alone("kind", "not what was recorded", |image, index| {
        let entry = TableEntry { kind: Kind::Jmp, ..image.entry(index) };
        image.set_entry(index, &entry.to_bytes());
    });
}

#[test]
fn of_two_entries_for_one_instruction_one_is_used() {
    let mut image = Image::new();
    let index = image.never_called();
    let other = *image.patchable().iter().find(|&&i| i != index).unwrap();
    let entry = image.entry(other);
    let moved = (image.entry_address(other) as i64 - image.entry_address(index) as i64) as i32;
    let twin = TableEntry {
        instruction: entry.instruction + moved,
        trampoline: entry.trampoline + moved,
        ..entry
    };
    image.set_entry(index, &twin.to_bytes());
    image.seal();
    let told = image.run("twin");
    assert!(told.findings.iter().any(|f| f.contains("shares bytes")), "{told:?}");
    assert!(told.inline > 0);
}

/// Another program has written over a call instruction.
#[test]
fn changed_code_at_a_site_is_left_alone() {
    let intact = Image::new().run("before_changed");
    for (at, byte) in [(0, 0xcc), (0, 0xe9), (1, 0x55), (4, 0x55)] {
        let mut image = Image::new();
        let address = image.instruction(image.never_called());
        let offset = (address - image.text) as usize;
        assert_eq!(image.bytes[offset], 0xe8);
        image.bytes[offset + at] = byte;
        let told = image.run("changed");
        assert_eq!(told.inline, intact.inline - 1, "{told:?}");
        let reason = "the bytes there are not what was recorded";
        assert_eq!(told.findings.len(), 1, "{told:?}");
        assert!(told.findings[0].contains(reason), "{told:?}");
        // The place is named: its low bits are those of the file's address.
        assert!(told.findings[0].contains(&format!("{:03x}", address & 0xfff)), "{told:?}");
        assert!(told.text.contains("bytes differ from what was verified"), "{told:?}");
    }
}

#[test]
fn a_damaged_record_is_left_alone() {
    let word =
        |image: &Image, at: usize| i32::from_le_bytes(image.bytes[at..at + 4].try_into().unwrap());
    for (field, reason) in [(0, "does not"), (4, "does not exist")] {
        let mut image = Image::new();
        let at = image.records + field;
        let other = word(&image, at).wrapping_add(0x0100_0000);
        image.bytes[at..at + 4].copy_from_slice(&other.to_le_bytes());
        let told = image.run("record");
        assert!(told.findings.iter().any(|f| f.contains(reason)), "{field}: {told:?}");
    }
    // The stub of another key, to which the trampoline does not jump.
    let mut image = Image::new();
    let at = image.records + 4;
    let stub = |i: usize| {
        let away = i * TrampolineRecord::SIZE;
        word(&image, at + away).wrapping_add_unsigned(away as u32)
    };
    let other = (1..).map(stub).find(|&other| other != stub(0)).unwrap();
    image.bytes[at..at + 4].copy_from_slice(&other.to_le_bytes());
    let told = image.run("record");
    let reason = "a trampoline record is left alone: the bytes there are not what was recorded";
    assert!(told.findings.iter().any(|f| f.contains(reason)), "{told:?}");
}

/// A description that is in another image: the site's calls are the key's own in the report.
#[test]
fn a_record_may_name_an_unknown_site() {
    let mut image = Image::new();
    let whole = image.run("known_sites");
    let first = (0..).find(|i| {
        let record = image.bytes[image.records + i * TrampolineRecord::SIZE..].first_chunk();
        TrampolineRecord::from_bytes(record.unwrap()).site != [0, 0]
    });
    let at = image.records + first.unwrap() * TrampolineRecord::SIZE + 8;
    image.bytes[at] ^= 1;
    assert_eq!(image.run("unknown_site").inline, whole.inline);
}

/// A linker that folds identical code may leave several records of one trampoline.
#[test]
fn two_records_of_one_trampoline_do_not_undo_each_other() {
    let mut image = Image::new();
    let record = |image: &Image, index: usize| {
        let at = image.records + index * TrampolineRecord::SIZE;
        TrampolineRecord::from_bytes(image.bytes[at..].first_chunk().unwrap())
    };
    let first = record(&image, 0);
    let of_same_key = |i: &usize| {
        let distance = (i * TrampolineRecord::SIZE) as i32;
        let other = record(&image, *i);
        other.stub + distance == first.stub
    };
    let other = (1..8).find(of_same_key).expect("two sites of one key");
    let distance = (other * TrampolineRecord::SIZE) as i32;
    let at = image.records + other * TrampolineRecord::SIZE;
    let trampoline = first.trampoline - distance;
    image.bytes[at..at + 4].copy_from_slice(&trampoline.to_le_bytes());
    let told = image.run("folded");
    assert!(told.inline > 0, "{told:?}");
}
