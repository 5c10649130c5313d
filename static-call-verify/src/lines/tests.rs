//! Debug information that costs more to read than its length suggests: it must exhaust the budget.

use std::collections::HashMap;

use super::*;

/// An instruction that every unit claims.
const ADDRESS: u64 = 0x1010;
/// The budget of these tests.
const BUDGET: u64 = 1 << 18;

/// Debug information, section by section (DWARF 4).
#[derive(Default)]
struct Sections(HashMap<&'static str, Vec<u8>>);

/// Abbreviations: a unit with ranges, with bounds, and without either; a function; an inlined
/// function.
const WITH_RANGES: u8 = 1;
const WITH_BOUNDS: u8 = 2;
const FUNCTION: u8 = 3;
const INLINED: u8 = 4;
const ABBREVIATIONS: &[u8] = &[
    1, 0x11, 1, 0x10, 0x17, 0x55, 0x17, 0x03, 0x08, 0, 0, // stmt_list, ranges, name
    2, 0x11, 1, 0x10, 0x17, 0x11, 0x01, 0x12, 0x07, 0x03, 0x08, 0,
    0, // stmt_list, low, high, name
    3, 0x2e, 1, 0x11, 0x01, 0x12, 0x07, 0x03, 0x08, 0, 0, // low_pc, high_pc, name
    4, 0x1d, 1, 0x11, 0x01, 0x12, 0x07, 0x03, 0x08, 0x58, 0x0b, 0x59, 0x0b, 0,
    0, // and the call
    0,
];

impl Sections {
    fn put(&mut self, section: &'static str, bytes: &[u8]) -> usize {
        let section = self.0.entry(section).or_default();
        section.extend(bytes);
        section.len() - bytes.len()
    }

    fn unit(&mut self, abbreviations: usize, entries: &[u8]) {
        let length = (7 + entries.len()) as u32;
        let offset = (abbreviations as u32).to_le_bytes();
        self.put(
            ".debug_info",
            &[&length.to_le_bytes()[..], &[4, 0], &offset, &[8], entries].concat(),
        );
    }

    /// Adds the program of a hostile unit.
    fn program(&mut self, first: &[u8]) -> u32 {
        self.lines_from(0x1000, 2, first)
    }

    /// Adds a program whose first sequence is `first`, and whose second maps everything from
    /// `start` on to one line.
    fn lines_from(&mut self, start: u64, line: u8, first: &[u8]) -> u32 {
        let mut tail = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
        tail.extend(b"\0a.rs\0\0\0\0\0");
        let mut code = first.to_vec();
        code.extend([&[0, 9, 2][..], &start.to_le_bytes()].concat());
        code.extend([3, line - 1, 1, 2, 0x80, 0x20, 0, 1, 1]);
        let header = (tail.len() as u32).to_le_bytes();
        let rest = [&[4, 0][..], &header, &tail, &code].concat();
        let whole = [&(rest.len() as u32).to_le_bytes()[..], &rest].concat();
        self.put(".debug_line", &whole) as u32
    }

    /// Adds the unit that knows the line, after all others.
    fn good(&mut self) {
        let abbreviations = self.put(".debug_abbrev", ABBREVIATIONS);
        // Where sequences overlap, the one that starts last wins.
        let program = self.lines_from(ADDRESS, 7, &[]);
        let unit = with_bounds(WITH_BOUNDS, Some(program), 0x1000, 0x1000);
        let entries = [unit, with_bounds(FUNCTION, None, 0x1000, 0x100), vec![0, 0]].concat();
        self.unit(abbreviations, &entries);
    }

    fn lines(&self, addresses: u64, budget: u64) -> Lines {
        let data = |id: gimli::SectionId| self.0.get(id.name()).map_or(&[][..], Vec::as_slice);
        let load = |id| Ok::<_, Infallible>(EndianSlice::new(data(id), LittleEndian));
        let Ok(dwarf) = Dwarf::load(load);
        Lines::read(dwarf, Budget::of(budget), ADDRESS..ADDRESS + addresses)
    }

    fn line(&self, budget: u64) -> Option<u32> {
        let lines = self.lines(1, budget);
        let row = lines.places[&ADDRESS].row.as_ref();
        let line = row.and_then(|(_, source)| Some(source.as_ref()?.line));
        assert!(line.is_some() || !lines.is_whole(), "a missing line is not reported");
        assert!(lines.is_whole() || budget != u64::MAX);
        line
    }
}

/// An entry with bounds and a name.
fn with_bounds(code: u8, program: Option<u32>, low: u64, size: u64) -> Vec<u8> {
    let program = program.map(u32::to_le_bytes).into_iter().flatten();
    let mut entry = vec![code];
    entry.extend(program);
    entry.extend([low.to_le_bytes(), size.to_le_bytes()].concat());
    entry.extend(b"f\0");
    entry
}

/// Returns whether the line is found after this many hostile things.
fn found(hostile: impl Fn(&mut Sections, usize), count: usize) -> bool {
    let mut sections = Sections::default();
    hostile(&mut sections, count);
    sections.good();
    // With an unlimited budget everything is read to its end.
    assert_eq!(sections.line(u64::MAX), Some(7), "{count}");
    sections.line(BUDGET) == Some(7)
}

/// Checks that a few are affordable, and the square of some hundreds is not.
fn is_bounded(hostile: impl Fn(&mut Sections, usize)) {
    assert!(found(&hostile, 3), "a few");
    assert!(!found(&hostile, 1200), "reading many costs nothing");
}

#[test]
fn one_program_of_many_units() {
    is_bounded(|sections, n| {
        let abbreviations = sections.put(".debug_abbrev", ABBREVIATIONS);
        // Rows at one address.
        let program = sections.program(&[&[1].repeat(40 * n)[..], &[0, 1, 1]].concat());
        for _ in 0..=n / 40 {
            let unit = with_bounds(WITH_BOUNDS, Some(program), ADDRESS, 1);
            sections.unit(abbreviations, &unit);
        }
    });
}

#[test]
fn one_list_of_ranges_of_many_units() {
    is_bounded(|sections, n| {
        let abbreviations = sections.put(".debug_abbrev", ABBREVIATIONS);
        let range = [0x10_u64.to_le_bytes(), 0x20_u64.to_le_bytes()].concat();
        let list = sections.put(".debug_ranges", &[range.repeat(n), vec![0; 16]].concat()) as u32;
        // No program, which would also cost something.
        let mut unit = vec![WITH_RANGES];
        unit.extend([u32::MAX.to_le_bytes(), list.to_le_bytes()].concat());
        unit.extend(b"f\0");
        (0..n).for_each(|_| sections.unit(abbreviations, &unit));
    });
}

/// gimli's iterator skips all entries of a list that describe no range in one go.
#[test]
fn one_list_of_base_addresses_of_many_units() {
    is_bounded(|sections, n| {
        let abbreviations = sections.put(".debug_abbrev", ABBREVIATIONS);
        let base = [u64::MAX.to_le_bytes(), 0x10_u64.to_le_bytes()].concat();
        let list = sections.put(".debug_ranges", &[base.repeat(n), vec![0; 16]].concat()) as u32;
        // No program, which would also cost something.
        let mut unit = vec![WITH_RANGES];
        unit.extend([u32::MAX.to_le_bytes(), list.to_le_bytes()].concat());
        unit.extend(b"f\0");
        (0..n).for_each(|_| sections.unit(abbreviations, &unit));
    });
}

#[test]
fn overlapping_abbreviations() {
    is_bounded(|sections, n| {
        // Each begins one declaration later, and they all end at the same place.
        let declared: Vec<u8> = (0..n as u64)
            .flat_map(|i| [0x81 + (i % 0x7e) as u8, 1 + (i / 0x7e) as u8, 0x11, 0, 0, 0])
            .collect();
        let start = sections.put(".debug_abbrev", &declared);
        sections.put(".debug_abbrev", &[0]);
        (0..n).for_each(|i| sections.unit(start + 6 * i, &[0]));
    });
}

/// Attributes that take no bytes, in entries that take one.
#[test]
fn attributes_without_bytes() {
    is_bounded(|sections, n| {
        let present = [0x34, 0x19].repeat(n);
        let table = [&[1, 0x11, 1, 0, 0, 2, 0x34, 0][..], &present, &[0, 0, 0]].concat();
        let start = sections.put(".debug_abbrev", &table);
        sections.unit(start, &[&[1][..], &[2].repeat(n), &[0]].concat());
    });
}

/// Functions inlined into each other, each around all of the calls.
#[test]
fn inlined_deeply_around_many_calls() {
    let build = |depth: usize| {
        let mut sections = Sections::default();
        let abbreviations = sections.put(".debug_abbrev", ABBREVIATIONS);
        let program = sections.program(&[]);
        let mut entries = with_bounds(WITH_BOUNDS, Some(program), 0x1000, 0x1000);
        entries.extend(with_bounds(FUNCTION, None, 0x1000, 0x1000));
        for i in 0..depth {
            entries.extend(with_bounds(INLINED, None, 0x1000, 0x1000));
            entries.extend([1, i as u8]);
        }
        entries.extend(vec![0; depth + 2]);
        sections.unit(abbreviations, &entries);
        sections
    };
    let caller = |depth: usize, budget| {
        let lines = build(depth).lines(4000, budget);
        let function = lines.places[&ADDRESS].function.as_ref()?;
        function.caller.clone()?.map(|source| source.line as usize)
    };
    assert_eq!(caller(3, BUDGET), Some(2), "the innermost is called on the last line");
    assert_eq!(caller(200, u64::MAX), Some(199));
    assert_ne!(caller(200, BUDGET), Some(199));
}

#[test]
fn an_instruction_without_a_line_gets_that_of_the_inlined_call() {
    let source = |line| Source { file: "a.rs".into(), line, column: 1 };
    let key = Key {
        address: 0,
        stub: 0,
        name: "key".into(),
        module: "m".into(),
        signature: String::new(),
        source: source(1),
        has_no_body: false,
        default: None,
        is_bound: false,
    };
    let found = |row: Option<Source>, name: &str, caller| {
        let function = Some(Function { begin: 0, name: Some(name.into()), caller });
        let place = Place { row: Some((0, row)), function };
        let lines = Lines { places: [(ADDRESS, place)].into(), is_whole: true };
        lines.source(ADDRESS, &key).map(|source| source.line)
    };
    let caller = || Some(Some(source(5)));
    assert_eq!(found(None, "next", caller()), Some(5));
    assert_eq!(found(Some(source(3)), "next", caller()), Some(3));
    assert_eq!(found(Some(source(3)), "m::key", caller()), Some(5));
    assert_eq!(
        found(Some(source(3)), "m::key", Some(None)),
        None,
        "the line of the wrapper is not wanted"
    );
    assert_eq!(found(None, "next", None), None);
}

/// Bounds that wrap, offsets past the end, lengths that do not exist.
#[test]
fn nonsense_does_not_panic() {
    for (low, size) in [(u64::MAX - 1, 16), (0x1000, u64::MAX), (u64::MAX, u64::MAX)] {
        let mut sections = Sections::default();
        let abbreviations = sections.put(".debug_abbrev", ABBREVIATIONS);
        let unit = with_bounds(WITH_BOUNDS, Some(u32::MAX), low, size);
        let function = with_bounds(FUNCTION, None, low, size);
        sections.unit(abbreviations, &[unit, function, vec![0, 0]].concat());
        sections.unit(usize::MAX, &[1]);
        sections.good();
        assert_eq!(sections.line(BUDGET), Some(7));
        let names: Vec<_> = sections.0.keys().copied().collect();
        for name in names {
            let whole = sections.0[name].clone();
            for end in 0..whole.len() {
                sections.0.insert(name, whole[..end].to_vec());
                let _ = sections.lines(2, BUDGET);
            }
            sections.0.insert(name, whole);
        }
    }
}
