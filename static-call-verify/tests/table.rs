//! Tests of the table: its object in every linker, and how a wrong table is handled.

mod images;

use std::path::Path;
use std::process::Command;

use images::{function, linkers};
use object::{Object, ObjectSection};
use static_call::layout::{
    PLACES_LEAST, PLACES_ROOM, PLACES_SECTION, Places, PlacesFault, PlacesHeader, TABLE_SECTION,
    TableEntry, TableHeader,
};
use static_call_verify::report::{Call, Grade, TableState};
use static_call_verify::{FindingKey, Level, Policy, Report, Stamped, stamp, table_object, verify};

/// Returns an image with two calls and a table object for `capacity`.
fn linked(capacity: Option<u32>, args: &[&str]) -> Vec<u8> {
    linked_body("call tramp\n .p2align 3\n call site_tramp\n ret", capacity, args)
}

/// Returns an image with one function and a table object for `capacity`.
fn linked_body(body: &str, capacity: Option<u32>, args: &[&str]) -> Vec<u8> {
    let text = format!("{}.text\n{}.set _start, f\n", images::PRELUDE, function("f", body));
    let object = images::assemble(&text);
    let table = images::fresh("table.o");
    let mut inputs: Vec<&Path> = vec![&object];
    if let Some(capacity) = capacity {
        std::fs::write(&table, table_object(capacity, &Policy::default())).unwrap();
        inputs.push(&table);
    }
    let image = images::link(&inputs, args);
    let _ = std::fs::remove_file(object);
    let _ = std::fs::remove_file(table);
    image
}

fn section(image: &[u8]) -> (usize, usize) {
    named_section(image, TABLE_SECTION)
}

fn named_section(image: &[u8], name: &str) -> (usize, usize) {
    let file = object::File::parse(image).unwrap();
    let (offset, size) = file.section_by_name(name).unwrap().file_range().unwrap();
    (offset as usize, size as usize)
}

fn has_finding(report: &Report, key: FindingKey) -> bool {
    report.findings.iter().any(|f| f.key == key)
}

#[test]
fn survives_garbage_collection_with_every_linker() {
    for linker in linkers(&["bfd", "lld", "mold"]) {
        for mode in ["-pie", "-no-pie", "-shared"] {
            let mut image = linked(Some(5), &[&linker, mode, "-Wl,--gc-sections", "-Wl,-u,f"]);
            let (offset, size) = section(&image);
            assert_eq!(offset % 8, 0);
            assert_eq!(size, TableHeader::SIZE + 5 * TableEntry::SIZE, "{linker} {mode}");
            let before = verify(&image, &Policy::default());
            assert_eq!(before.image.table, TableState::Empty { capacity: 5 });
            let stack = images::fresh("image");
            std::fs::write(&stack, &image).unwrap();
            let headers = images::run(Command::new("readelf").arg("-lW").arg(&stack));
            let line = headers.lines().find(|l| l.contains("GNU_STACK")).unwrap_or("RW");
            assert!(line.contains("RW ") || line.ends_with("RW"), "{headers}");
            std::fs::remove_file(stack).unwrap();
            let (report, stamped) = stamp(&mut image, &Policy::default());
            let entries = report.calls.len() as u32;
            assert_eq!(stamped, Stamped::Done { entries, rewritten: 0 });
            assert_eq!(report.image.table, TableState::Filled { count: entries, capacity: 5 });
        }
    }
}

#[test]
fn version_and_policy_change_the_build_id() {
    let mut strict = Policy::default();
    strict.set(FindingKey::CallViaGot, Level::Deny);
    assert_ne!(table_object(4, &Policy::default()), table_object(4, &strict));
    let text = images::assemble(&format!("{}.text\n{}", images::PRELUDE, function("f", "ret")));
    let build_id = |policy: &Policy, linker: &str| {
        let table = images::fresh("table.o");
        std::fs::write(&table, table_object(4, policy)).unwrap();
        let args = [linker, "-shared", "-Wl,--gc-sections", "-Wl,--build-id=sha1", "-s"];
        let image = images::link(&[&text, &table], &args);
        verify(&image, &Policy::default()).image.build_id
    };
    for linker in linkers(&["bfd", "lld", "mold"]) {
        let plain = build_id(&Policy::default(), &linker);
        assert_eq!(plain.len(), 20);
        assert_eq!(plain, build_id(&Policy::default(), &linker), "{linker}");
        assert_ne!(plain, build_id(&strict, &linker), "{linker}");
    }
}

/// Returns the function that the runtime finds around each call of a report.
fn functions(image: &[u8], report: &Report) -> Result<Vec<Option<String>>, PlacesFault> {
    let file = object::File::parse(image).unwrap();
    let address = file.section_by_name(PLACES_SECTION).unwrap().address();
    let (offset, size) = named_section(image, PLACES_SECTION);
    let section = &image[offset..offset + size];
    let identity = PlacesHeader::from_bytes(section.first_chunk().unwrap()).unwrap().identity;
    let table = TableHeader::from_bytes(image[self::section(image).0..].first_chunk().unwrap());
    assert_eq!(table.unwrap().identity, identity);
    let places = Places::read(section, address, identity)?.expect("it is filled");
    let of = |call: &Call| places.function(call.address).map(str::to_owned);
    Ok(report.calls.iter().map(of).collect())
}

#[test]
fn names_are_filled_in_with_every_linker() {
    for linker in linkers(&["bfd", "lld", "mold"]) {
        for mode in ["-pie", "-no-pie", "-shared"] {
            let mut image = linked(Some(5), &[&linker, mode, "-Wl,--gc-sections", "-Wl,-u,f"]);
            let (_, size) = named_section(&image, PLACES_SECTION);
            let room = PLACES_LEAST + 5 * PLACES_ROOM;
            assert_eq!(size, PlacesHeader::SIZE + room as usize, "{linker} {mode}");
            let (report, _) = stamp(&mut image, &Policy::default());
            let expected: Vec<_> = report.calls.iter().map(|c| c.function.clone()).collect();
            assert!(expected.len() == 2 && expected[0].is_some(), "{linker} {mode}: {report}");
            assert_eq!(functions(&image, &report), Ok(expected), "{linker} {mode}");
            let once = image.clone();
            assert!(matches!(stamp(&mut image, &Policy::default()).1, Stamped::Done { .. }));
            assert!(image == once, "stamping twice changes nothing");
        }
    }
}

/// If its room is damaged, an image gets no names and is stamped all the same.
#[test]
fn names_without_room_are_left_out() {
    let sound = linked(Some(5), &["-pie"]);
    let (offset, size) = named_section(&sound, PLACES_SECTION);
    // Another magic, and more room than there is.
    for (at, bytes) in [(0, [0; 4]), (12, [0xff; 4]), (12, (size as u32 - 39).to_le_bytes())] {
        let mut image = sound.clone();
        image[offset + at..offset + at + 4].copy_from_slice(&bytes);
        let before = image[offset..offset + size].to_vec();
        let (_, stamped) = stamp(&mut image, &Policy::default());
        assert_eq!(stamped, Stamped::Done { entries: 2, rewritten: 0 });
        assert!(image[offset..offset + size] == before, "{at}");
    }
    // Less room than there was is enough for the entries of one function.
    let mut image = sound.clone();
    image[offset + 12..offset + 16].copy_from_slice(&23_u32.to_le_bytes());
    let (report, _) = stamp(&mut image, &Policy::default());
    assert_eq!(functions(&image, &report).unwrap(), [Some("_start".to_owned()), None]);
}

/// In an image whose pointers need no relocation, every word of data may be one, but not what
/// stamping writes.
#[test]
fn reserved_sections_are_not_data() {
    let mut image = linked(Some(5), &["-no-pie"]);
    let (report, _) = stamp(&mut image, &Policy::default());
    for name in [TABLE_SECTION, PLACES_SECTION] {
        let (offset, size) = named_section(&image, name);
        let last = (offset + size - 8) / 8 * 8;
        let trampoline = report.trampolines[0].address.to_le_bytes();
        image[last..last + 8].copy_from_slice(&trampoline);
    }
    assert_eq!(verify(&image, &Policy::default()), report);
}

#[test]
fn no_table_and_too_small() {
    let mut image = linked(None, &["-pie"]);
    let before = image.clone();
    let (report, stamped) = stamp(&mut image, &Policy::default());
    assert_eq!(stamped, Stamped::NoTable);
    assert!(has_finding(&report, FindingKey::TableMissing));
    assert!(image == before);
    let mut image = linked(Some(1), &["-pie"]);
    let before = image.clone();
    let (_, stamped) = stamp(&mut image, &Policy::default());
    assert_eq!(stamped, Stamped::TooSmall { capacity: 1, needed: 2 });
    assert!(image == before);
}

#[test]
fn a_table_that_is_wrong_is_a_finding() {
    let mut image = linked(Some(3), &["-pie"]);
    let (_, stamped) = stamp(&mut image, &Policy::default());
    assert_eq!(stamped, Stamped::Done { entries: 2, rewritten: 0 });
    let (at, _) = section(&image);
    let sound = verify(&image, &Policy::default());
    assert_eq!((sound.summary.inline, sound.summary.listed), (2, 2), "{sound}");
    // `listed`: the number of calls for which the runtime still trusts the table.
    let finding = |change: &dyn Fn(&mut Vec<u8>), key, listed| {
        let mut copy = image.clone();
        change(&mut copy);
        let report = verify(&copy, &Policy::default());
        assert!(has_finding(&report, key), "{report}");
        assert_eq!(report.image.table, TableState::Stale);
        assert_eq!(report.summary.listed, listed, "{report}");
        for call in &report.calls {
            assert_eq!(call.listed, report.reason(call).is_none(), "{report}");
        }
    };
    finding(&|i| i[at] ^= 1, FindingKey::TableStale, 0);
    finding(&|i| i[at + 8] = 9, FindingKey::TableVersion, 0);
    finding(&|i| i[at + 12] = 99, FindingKey::TableStale, 2);
    finding(&|i| i[at + 16] = 99, FindingKey::TableStale, 0);
    finding(&|i| i[at + 24] ^= 1, FindingKey::TableStale, 0);
    finding(&|i| i[at + 40] ^= 1, FindingKey::TableStale, 0);
    // The code of a call.
    let call = verify(&image, &Policy::default()).calls[0].address as usize;
    let file = object::File::parse(&*image).unwrap();
    let code = file.section_by_name(".text").unwrap();
    let offset = code.file_range().unwrap().0 as usize + call - code.address() as usize;
    finding(&|i| i[offset + 1] ^= 8, FindingKey::TableStale, 1);
    // A consistent table with one entry fewer than there are calls.
    let shorter = |i: &mut Vec<u8>| {
        let head = TableHeader::from_bytes(i[at..at + 40].try_into().unwrap()).unwrap();
        let checksum = static_call::layout::checksum(&i[at + 40..at + 52]);
        i[at..at + 40].copy_from_slice(&TableHeader { count: 1, checksum, ..head }.to_bytes());
    };
    finding(&shorter, FindingKey::TableStale, 1);
}

/// The runtime stores as the grade says, so a table with another grade is not trusted, and what is
/// not proved to be a call has none.
#[test]
fn grades_in_the_table_are_those_of_the_addresses() {
    let body = ".p2align 6\n call tramp\n .skip 8, 0x90\n call tramp\n .p2align 6\n \
                .skip 62, 0x90\n call site_tramp\n lea tramp(%rip), %rax\n ret";
    let mut image = linked_body(body, Some(4), &["-pie"]);
    assert!(matches!(stamp(&mut image, &Policy::default()).1, Stamped::Done { entries: 4, .. }));
    let (at, _) = section(&image);
    let entry = |i: usize| at + TableHeader::SIZE + i * TableEntry::SIZE;
    let grade = |image: &[u8], i: usize| {
        let bytes = image[entry(i)..entry(i + 1)].try_into().unwrap();
        TableEntry::from_bytes(bytes).unwrap().grade
    };
    let grades = [Grade::Quad, Grade::Line, Grade::Straddle, Grade::None];
    assert_eq!([0, 1, 2, 3].map(|i| grade(&image, i)), grades);
    let report = verify(&image, &Policy::default());
    assert_eq!(report.calls.iter().map(|c| c.grade).collect::<Vec<_>>(), grades, "{report}");
    let steps = report.calls.iter().map(|c| c.takes_steps());
    assert_eq!(steps.collect::<Vec<_>>(), [false, true, true, false], "{report}");
    let summary = report.summary;
    assert_eq!((summary.listed, summary.one_store, summary.steps), (3, 1, 2), "{report}");

    for i in 0..4 {
        let others = (1..=5).filter_map(Grade::from_byte).filter(|other| *other != grades[i]);
        for other in others {
            let mut copy = image.clone();
            let bytes = copy[entry(i)..entry(i + 1)].try_into().unwrap();
            let changed = TableEntry { grade: other, ..TableEntry::from_bytes(bytes).unwrap() };
            copy[entry(i)..entry(i + 1)].copy_from_slice(&changed.to_bytes());
            let head = TableHeader::from_bytes(copy[at..entry(0)].try_into().unwrap()).unwrap();
            let checksum = static_call::layout::checksum(&copy[entry(0)..entry(4)]);
            copy[at..entry(0)].copy_from_slice(&TableHeader { checksum, ..head }.to_bytes());
            let report = verify(&copy, &Policy::default());
            assert_eq!(report.image.table, TableState::Stale, "{i} {other:?}: {report}");
            assert!(!report.calls[i].listed, "{i} {other:?}: {report}");
        }
    }
}

#[test]
fn stripping_leaves_the_table_right() {
    let mut image = linked(Some(3), &["-pie"]);
    let (report, _) = stamp(&mut image, &Policy::default());
    let path = images::fresh("image");
    std::fs::write(&path, &image).unwrap();
    images::run(Command::new("strip").arg(&path));
    let stripped = verify(&std::fs::read(&path).unwrap(), &Policy::default());
    assert!(!stripped.image.has_symbols);
    assert_eq!(stripped.image.table, report.image.table);
    std::fs::remove_file(path).unwrap();
}

/// In a program that uses keys of a Rust `dylib`, the runtime is in the `dylib`.
#[test]
fn a_table_that_no_runtime_reads() {
    let object = images::assemble(&format!(
        "{}.text\n{}.set _start, f\n",
        images::PRELUDE.replace("static_call_0_1_runtime", "other"),
        function("f", "call tramp\n ret")
    ));
    let table = images::fresh("table.o");
    std::fs::write(&table, table_object(4, &Policy::default())).unwrap();
    let mut image = images::link(&[&object, &table], &["-pie"]);
    assert!(matches!(stamp(&mut image, &Policy::default()).1, Stamped::Done { .. }));
    let report = verify(&image, &Policy::default());
    assert_eq!(report.image.table, TableState::Unread, "{report}");
    assert!(has_finding(&report, FindingKey::TableUnread), "{report}");
    assert_eq!((report.summary.inline, report.summary.listed), (1, 0), "{report}");
}
