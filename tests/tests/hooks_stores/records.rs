//! Records of jump labels: which are trusted, and that a label whose record is not is right.

use object::{Object, ObjectSection};
use static_call_tests::hooks;

use super::{hear, speak, spoken};

/// Returns the labels' records in memory: the address and six words of each.
fn records() -> Vec<(usize, [i32; 6])> {
    let exe = std::env::current_exe().unwrap();
    let file = std::fs::read(&exe).unwrap();
    let file = object::File::parse(&*file).unwrap();
    let base = support::symbol("main") - symbol_in_file(&file, "main");
    let section = file.section_by_name("static_call_0_1_labels").unwrap();
    let start = base + usize::try_from(section.address()).unwrap();
    let count = usize::try_from(section.size()).unwrap() / 24;
    let record = |i: usize| {
        let at = start + 24 * i;
        let bytes = support::read(at, 24);
        let word = |w: usize| i32::from_le_bytes(bytes[4 * w..][..4].try_into().unwrap());
        (at, [0, 1, 2, 3, 4, 5].map(word))
    };
    (0..count).map(record).collect()
}

fn symbol_in_file(file: &object::File<'_>, name: &str) -> usize {
    use object::ObjectSymbol;
    let symbol = file.symbols().find(|s| s.name() == Ok(name)).unwrap();
    usize::try_from(symbol.address()).unwrap()
}

fn poke_word(at: usize, word: i32) {
    for (i, byte) in word.to_le_bytes().into_iter().enumerate() {
        support::poke(at + i, byte);
    }
}

/// Corrupts all records before the registry reads them: the labels are left alone, and their tests
/// give the right answers.
fn with_corrupt_records(phrase: &str, change: impl Fn(usize, [i32; 6])) {
    let records = records();
    let records = &records[..records.len() / 2 * 2]; // Some changes need pairs.
    assert!(records.len() >= 10);
    for &(at, words) in records {
        change(at, words);
    }
    static_call::init().unwrap();
    for on in [true, false] {
        hooks::LOUD.set(on).unwrap();
        hooks::KEPT.set(on).unwrap();
        assert_eq!([hooks::flags(), hooks::flags_inlined()], [[on; 4]; 2]);
    }
    assert_eq!(speak(1), 0);
    spoken::update(hear).unwrap();
    assert_eq!(speak(2), 2);
    let report = static_call::report();
    let phrase = format!("a jump label is not patched: {phrase}");
    let found = report.problems.iter().filter(|problem| problem.message == phrase).count();
    assert!(found * 2 >= records.len() && found <= records.len(), "{found}: {report}");
    for &(at, words) in records {
        let label = at.wrapping_add_signed(words[0] as isize);
        assert_eq!(support::read(label, 1), [0xe9], "{label:#x}");
    }
}

#[test]
fn records_that_name_no_key() {
    support::in_child("records::records_that_name_no_key", &[], || {
        with_corrupt_records("it names a key or a trampoline that does not exist", |at, words| {
            poke_word(at + 8, words[2] + 1);
        });
    });
}

#[test]
fn records_of_another_cold_block() {
    support::in_child("records::records_of_another_cold_block", &[], || {
        with_corrupt_records("the bytes there are not what was recorded", |at, words| {
            poke_word(at + 4, words[1] + 1);
        });
    });
}

/// A label whose test leads behind another label, or has the condition of the other polarity, when
/// the registry is read, is left alone.
#[test]
fn tests_that_are_not_of_their_label() {
    for (what, at, bit) in [("end", 16, 2), ("condition", 7, 1)] {
        support::in_child("records::tests_that_are_not_of_their_label", &[("TEST", what)], || {
            let code = |(record, words): (usize, [i32; 6])| {
                [0, 1].map(|i| (record + 4 * i).wrapping_add_signed(words[i] as isize))
            };
            let labels: Vec<_> = records().into_iter().map(code).collect();
            let flip = |[_, test]: &[usize; 2]| {
                _ = support::poke(test + at, support::read(test + at, 1)[0] ^ bit);
            };
            labels.iter().for_each(flip);
            let problems = static_call::report().problems;
            labels.iter().for_each(flip);
            let phrase = "a jump label is not patched: the bytes there are not what was recorded";
            let found = problems.iter().filter(|problem| problem.message == phrase).count();
            assert!(found > labels.len() / 2 && found <= labels.len(), "{problems:?}");
            for on in [true, false] {
                hooks::LOUD.set(on).unwrap();
                assert_eq!(hooks::flags()[..2], [on; 2]);
                if on { spoken::update(hear) } else { spoken::disable() }.unwrap();
                assert_eq!(speak(5), if on { 5 } else { 0 });
                assert!(labels.iter().all(|&[label, test]| support::jump(label) == Some(test)));
            }
        });
    }
}

#[test]
fn records_of_other_bytes() {
    support::in_child("records::records_of_other_bytes", &[], || {
        with_corrupt_records("the bytes there are not what was recorded", |at, words| {
            poke_word(at, words[0] - 1);
        });
    });
}

#[test]
fn records_with_an_invalid_polarity() {
    support::in_child("records::records_with_an_invalid_polarity", &[], || {
        with_corrupt_records("the bytes there are not what was recorded", |at, _| {
            poke_word(at + 12, 3);
        });
    });
}

#[test]
fn records_outside_the_code() {
    support::in_child("records::records_outside_the_code", &[], || {
        // The records themselves are not code.
        with_corrupt_records("it does not lie in this image's code", |at, _| poke_word(at, 0));
    });
}

#[test]
fn records_that_contradict_each_other() {
    support::in_child("records::records_that_contradict_each_other", &[], || {
        let records = records();
        let (first, words) = records[0];
        let previous = std::cell::Cell::new((0, first, words));
        with_corrupt_records("it shares bytes with another entry", |at, words| {
            // Every second record gets the previous record's label, with the opposite polarity.
            let (i, before, of_before) = previous.get();
            previous.set((i + 1, at, words));
            if i % 2 == 1 {
                let away = i32::try_from(before as isize - at as isize).unwrap();
                for (field, word) in of_before[..3].iter().enumerate() {
                    poke_word(at + 4 * field, if *word == 0 { 0 } else { word + away });
                }
                poke_word(at + 12, 3 - of_before[3]);
            }
        });
    });
}
