//! Damages images where it hurts: fields of headers, relocations, symbols, unwind tables, records,
//! the table, code. Shared by the fuzz target `verify` and the tests in `robust.rs`.
#![allow(dead_code, reason = "tests and fuzz targets each use a part")]

use static_call_verify::report::{Kind, TableState};
use static_call_verify::{InputCounter, Policy, Report, Stamped, stamp, verify};

/// A small random number generator: xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n.max(1)
    }
}

/// Changes one structure of an image without changing its length.
pub(crate) fn mutate(bytes: &mut [u8], random: &mut Random) {
    if bytes.len() < 64 {
        return;
    }
    match random.below(8) {
        0 => {
            // The identification stays: without it nothing else is read.
            const FIELDS: &[(u64, u64)] = &[
                (16, 2),
                (18, 2),
                (24, 8),
                (32, 8),
                (40, 8),
                (54, 2),
                (56, 2),
                (58, 2),
                (60, 2),
                (62, 2),
            ];
            let (at, size) = FIELDS[random.below(FIELDS.len() as u64) as usize];
            set(bytes, at, size, random);
        }
        1 => {
            let (at, count) = (word(bytes, 32, 8), word(bytes, 56, 2));
            let entry = at.wrapping_add(random.below(count) * 56);
            const FIELDS: &[(u64, u64)] = &[(0, 4), (4, 4), (8, 8), (16, 8), (32, 8), (40, 8)];
            let (field, size) = FIELDS[random.below(6) as usize];
            set(bytes, entry.wrapping_add(field), size, random);
        }
        2 => {
            const FIELDS: &[(u64, u64)] =
                &[(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (56, 8)];
            let entry = section(bytes, random);
            let (field, size) = FIELDS[random.below(9) as usize];
            set(bytes, entry.wrapping_add(field), size, random);
        }
        3 => {
            // One section's header, or part of it, replaces another's.
            let (from, to) = (section(bytes, random), section(bytes, random));
            let (field, size) = [(0, 64), (16, 24), (0, 8), (24, 16)][random.below(4) as usize];
            for i in 0..size {
                let byte = word(bytes, from.wrapping_add(field + i), 1);
                put(bytes, to.wrapping_add(field + i), 1, byte);
            }
        }
        kind => {
            let header = section(bytes, random);
            let (start, size) =
                (word(bytes, header.wrapping_add(24), 8), word(bytes, header.wrapping_add(32), 8));
            let unit = match word(bytes, header.wrapping_add(4), 4) {
                4 => 8,
                2 | 11 => [1, 2, 4, 8][random.below(4) as usize],
                _ => [1, 4, 4, 8][random.below(4) as usize],
            };
            let at = start.wrapping_add(random.below(size) / unit * unit);
            if kind == 4 {
                branch(bytes, start, size, random);
            } else {
                set(bytes, at, unit, random);
            }
        }
    }
}

/// Puts a branch into a section that leads somewhere near, with luck to a trampoline.
fn branch(bytes: &mut [u8], start: u64, size: u64, random: &mut Random) {
    let at = start.wrapping_add(random.below(size));
    let opcode: &[u64] = match random.below(6) {
        0 => &[0xe8],
        1 => &[0xe9],
        2 => &[0x0f, 0x85],
        3 => &[0xff, 0x15],
        4 => &[0x67, 0xe8],
        _ => &[0xeb],
    };
    for (i, &byte) in (0..).zip(opcode) {
        put(bytes, at.wrapping_add(i), 1, byte);
    }
    let end = at.wrapping_add(opcode.len() as u64 + 4);
    let to = start.wrapping_add(random.below(size)) & !7;
    put(bytes, at.wrapping_add(opcode.len() as u64), 4, to.wrapping_sub(end));
}

/// Returns where the header of some section is.
fn section(bytes: &[u8], random: &mut Random) -> u64 {
    word(bytes, 40, 8).wrapping_add(random.below(word(bytes, 60, 2)) * 64)
}

fn set(bytes: &mut [u8], at: u64, size: u64, random: &mut Random) {
    let old = word(bytes, at, size);
    let new = match random.below(10) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << random.below(64),
        3 => (1 << random.below(64)) - 1,
        4 => old.wrapping_add(random.below(17)).wrapping_sub(8),
        5 => old ^ (1 << random.below(size * 8)),
        6 => (bytes.len() as u64).wrapping_add(random.below(33)).wrapping_sub(16),
        7 => random.next() & 0xff,
        // A field from the same file, so that addresses, offsets and sizes collide.
        8 => {
            let header = section(bytes, random);
            word(bytes, header.wrapping_add([16, 24, 32][random.below(3) as usize]), 8)
        }
        _ => random.next(),
    };
    put(bytes, at, size, new);
}

pub(crate) fn word(bytes: &[u8], at: u64, size: u64) -> u64 {
    let byte = |i| usize::try_from(at.wrapping_add(i)).ok().and_then(|i| bytes.get(i)).copied();
    (0..size).rev().fold(0, |value, i| value << 8 | u64::from(byte(i).unwrap_or(0)))
}

fn put(bytes: &mut [u8], at: u64, size: u64, value: u64) {
    for (i, byte) in (0..size).zip(value.to_le_bytes()) {
        let place = usize::try_from(at.wrapping_add(i)).ok().and_then(|i| bytes.get_mut(i));
        if let Some(place) = place {
            *place = byte;
        }
    }
}

/// Checks what holds for the report of any bytes.
pub(crate) fn check(bytes: &[u8]) -> Report {
    check_with(bytes, &Policy::default())
}

/// Checks the same under a policy.
pub(crate) fn check_with(bytes: &[u8], policy: &Policy) -> Report {
    let report = verify(bytes, policy);
    for call in report.calls.iter().filter(|c| c.inline) {
        assert!(call.grade.is_patchable() && call.kind.is_direct() && call.reason.is_none());
        let end = call.address + u64::from(call.length);
        let is_split = (end - 4) / 8 != (end - 1) / 8;
        assert_eq!(call.grade.takes_steps(), is_split, "{call:?}");
        let trampoline = &report.trampolines[call.trampoline];
        assert!(trampoline.is_sound, "{report}");
        assert!(matches!(call.length, 5 | 6), "{report}");
        assert!(call.address.is_multiple_of(8) || call.kind != Kind::Label);
    }
    for call in report.calls.iter().filter(|c| !c.inline) {
        assert!(!call.grade.is_patchable() && call.reason.is_some(), "{call:?}");
    }
    assert_eq!(report.summary.inline, report.calls.iter().filter(|c| c.inline).count());
    assert_eq!(report.summary.listed, report.summary.one_store + report.summary.steps);
    report
}

/// Checks what holds for everything that can be done with any bytes.
pub(crate) fn check_all(bytes: &[u8]) {
    let report = check(bytes);
    assert!(!report.to_string().is_empty());
    let mut copy = bytes.to_vec();
    let (after, stamped) = stamp(&mut copy, &Policy::default());
    if matches!(stamped, Stamped::Done { .. }) {
        assert!(matches!(after.image.table, TableState::Filled { .. }));
        let again = verify(&copy, &Policy::default());
        let is_changed =
            stamped != Stamped::Done { entries: after.calls.len() as u32, rewritten: 0 };
        assert!(is_changed || again.summary.inline <= after.summary.inline, "{after}\n{again}");
    } else {
        assert!(copy == bytes, "{stamped:?}");
    }
    let mut policy = Policy::default();
    policy.set_bind_defaults(true);
    let mut bound = bytes.to_vec();
    if let (_, Stamped::Done { .. }) = stamp(&mut bound, &policy) {
        // Sections of a damaged image may share bytes, so what it says now may differ.
        check(&bound);
        let _ = stamp(&mut bound, &policy);
    }
    let mut counter = InputCounter::default();
    counter.add(bytes);
    let _ = counter.entries();
}
