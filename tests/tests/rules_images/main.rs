//! Images damaged after linking: only what is proved safe is written, every result is right, and a
//! problem says what is wrong.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod image;

use std::path::PathBuf;
use std::process::Command;

use static_call::layout::{PlacesHeader, TableEntry, TableHeader, TrampolineRecord};
use static_call::{Grade, Kind};

use image::{Image, turn};

#[test]
fn an_intact_image_is_inline() {
    let outcome = Image::new().run("intact");
    assert!(outcome.inline >= 3, "{outcome:?}");
    assert_eq!(outcome.problems, [""; 0]);
}

#[test]
fn a_stripped_image_is_still_inline() {
    let path: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "rules_stripped"].iter().collect();
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&path).arg(env!("CARGO_BIN_EXE_rules_helper"));
    {
        let _turn = turn();
        assert!(support::finish(strip).status.success());
    }
    let image = Image { bytes: std::fs::read(&path).unwrap(), ..Image::new() };
    let outcome = image.run("stripped_copy");
    assert_eq!(outcome.inline, Image::new().run("not_stripped").inline);
    assert_eq!(outcome.problems, [""; 0]);
}

/// Flips each byte of the header and of the entries.
#[test]
fn a_flipped_byte_in_the_table_refuses_it() {
    let intact = Image::new();
    let end = TableHeader::SIZE + intact.header().count as usize * TableEntry::SIZE;
    let mut refused = 0;
    for at in 0..end {
        let mut image = Image::new();
        image.bytes[intact.table.0 + at] ^= 0x11;
        let outcome = image.run("flipped");
        // A capacity that is too large does no harm.
        let is_capacity = (12..16).contains(&at);
        if is_capacity && outcome.inline > 0 {
            continue;
        }
        outcome.assert_refused("the table is not used");
        refused += 1;
    }
    assert!(refused >= end - 4);
}

#[test]
fn a_table_of_another_kind_is_refused_with_the_reason() {
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

/// Nothing but the report reads the names.
#[test]
fn a_flipped_byte_in_the_names_costs_the_names() {
    let intact = Image::new();
    let before = intact.run("names");
    assert!(before.text.contains("  in rules_helper::"), "{before:?}");
    let header = PlacesHeader::from_bytes(intact.bytes[intact.places..].first_chunk().unwrap());
    let header = header.expect("names");
    let filled = header.count as usize * 8 + header.names as usize;
    let end = PlacesHeader::SIZE + filled;
    // Each byte of the header, and some others.
    for at in (0..PlacesHeader::SIZE).chain((PlacesHeader::SIZE..end).step_by(31)) {
        let mut image = Image::new();
        image.bytes[intact.places + at] ^= 0x11;
        let outcome = image.run("names_flipped");
        assert_eq!((outcome.inline, outcome.trampoline), (before.inline, before.trampoline));
        // A capacity that is too large does no harm.
        if (12..16).contains(&at) && outcome.problems.is_empty() {
            continue;
        }
        let [problem] = &outcome.problems[..] else { panic!("{at}: {outcome:?}") };
        assert!(problem.contains("the names of the functions around calls are not used"), "{at}");
        assert!(!outcome.text.contains("  in "), "{at}: {outcome:?}");
    }
}

/// With a right checksum and one wrong entry, only that entry is left alone, and reported.
fn one_entry_is_left_alone(what: &str, reason: &str, damage: impl FnOnce(&mut Image, usize)) {
    let mut image = Image::new();
    let intact = image.run(&format!("before_{what}"));
    let index = image.never_called();
    assert!(image.patchable().contains(&index), "a call in the last crate is aligned");
    damage(&mut image, index);
    image.seal();
    let outcome = image.run(what);
    assert!(outcome.inline < intact.inline, "{what}: {outcome:?}");
    assert!(outcome.inline > 0, "the others are not affected: {outcome:?}");
    assert!(outcome.problems.iter().any(|f| f.contains(reason)), "{what}: {outcome:?}");
}

#[test]
fn an_invalid_entry_is_left_alone() {
    one_entry_is_left_alone("bad_kind", "not a valid entry", |image, index| {
        let mut bytes = image.entry(index).to_bytes();
        bytes[8] = 77;
        image.set_entry(index, &bytes);
    });
}

/// A call that the verifier did not prove safe is not reported as a short jump.
#[test]
fn a_call_without_a_grade_is_reported_as_not_proved() {
    for (what, length) in [("ungraded", 5), ("bytes", 0)] {
        let mut image = Image::new();
        let index = image.never_called();
        let entry = TableEntry { grade: Grade::None, length, ..image.entry(index) };
        image.set_entry(index, &entry.to_bytes());
        image.seal();
        let outcome = image.run(what);
        let line = outcome.text.lines().find(|l| l.contains("not proved safe to rewrite"));
        assert!(line.is_some_and(|l| l.contains("1 x call")), "{outcome:?}");
        assert!(!outcome.text.contains("short jump"), "{outcome:?}");
    }
}

#[test]
fn an_entry_outside_the_code_is_left_alone() {
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
fn one_of_two_entries_for_an_instruction_is_used() {
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
    let outcome = image.run("twin");
    assert!(outcome.problems.iter().any(|f| f.contains("shares bytes")), "{outcome:?}");
    assert!(outcome.inline > 0);
}

/// Something has overwritten a call instruction.
#[test]
fn changed_code_at_a_site_is_left_alone() {
    let intact = Image::new().run("before_changed");
    for (at, byte) in [(0, 0xcc), (0, 0xe9), (1, 0x55), (4, 0x55)] {
        let mut image = Image::new();
        let address = image.instruction(image.never_called());
        let offset = (address - image.text) as usize;
        assert_eq!(image.bytes[offset], 0xe8);
        image.bytes[offset + at] = byte;
        let outcome = image.run("changed");
        assert_eq!(outcome.inline, intact.inline - 1, "{outcome:?}");
        let reason = "the bytes there are not what was recorded";
        assert_eq!(outcome.problems.len(), 1, "{outcome:?}");
        assert!(outcome.problems[0].contains(reason), "{outcome:?}");
        // The message has the address, whose low bits are the same in the file.
        assert!(outcome.problems[0].contains(&format!("{:03x}", address & 0xfff)), "{outcome:?}");
        assert!(outcome.text.contains("bytes differ from what was verified"), "{outcome:?}");
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
        let outcome = image.run("record");
        assert!(outcome.problems.iter().any(|f| f.contains(reason)), "{field}: {outcome:?}");
    }
    // The record names the stub of another key, to which the trampoline does not jump.
    let mut image = Image::new();
    let at = image.records + 4;
    let stub = |i: usize| {
        let away = i * TrampolineRecord::SIZE;
        word(&image, at + away).wrapping_add_unsigned(away as u32)
    };
    let other = (1..).map(stub).find(|&other| other != stub(0)).unwrap();
    image.bytes[at..at + 4].copy_from_slice(&other.to_le_bytes());
    let outcome = image.run("record");
    let reason = "a trampoline record is ignored: the bytes there are not what was recorded";
    assert!(outcome.problems.iter().any(|f| f.contains(reason)), "{outcome:?}");
}

/// If a site's description is missing, the report lists its calls as the key's own.
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

/// A linker that folds identical code may leave several records for one trampoline.
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
    let outcome = image.run("folded");
    assert!(outcome.inline > 0, "{outcome:?}");
}
