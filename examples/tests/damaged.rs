//! The examples' own images, truncated and with flipped bits: the verifier neither panics nor
//! hangs, and the bytes confirm every call that it reports as inline. This file reads them with
//! its own code.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../static-call-verify/tests/hostile/mod.rs"]
mod hostile;

use std::collections::BTreeSet;

use hostile::{Random, check_all, check_with, mutate, word};
use static_call_verify::report::{Grade, Kind};
use static_call_verify::{FindingKey, Policy, Report};

const EXAMPLES: [(&str, &str); 7] = [
    ("alias", env!("CARGO_BIN_EXE_alias")),
    ("allocator", env!("CARGO_BIN_EXE_allocator")),
    ("audit", env!("CARGO_BIN_EXE_audit")),
    ("codec", env!("CARGO_BIN_EXE_codec")),
    ("log_filter", env!("CARGO_BIN_EXE_log_filter")),
    ("quickstart", env!("CARGO_BIN_EXE_quickstart")),
    ("search", env!("CARGO_BIN_EXE_search")),
];

/// The most calls, labels and trampolines of an image whose bits are flipped.
const MOST: usize = 50;

/// Returns every example's name, image and seed.
fn images() -> impl Iterator<Item = (&'static str, Vec<u8>, Random)> {
    let read = |path| std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    (1..).zip(EXAMPLES).map(move |(seed, (name, path))| (name, read(path), Random::new(seed)))
}

/// Returns name, address, offset and size of each section, by the headers in the file.
fn sections(bytes: &[u8]) -> Vec<(String, u64, u64, u64)> {
    let header = |i: u64| word(bytes, 40, 8) + i * 64;
    let names = word(bytes, header(word(bytes, 62, 2)) + 24, 8);
    let name = |at: u64| {
        let text = &bytes[(names + word(bytes, at, 4)) as usize..];
        String::from_utf8_lossy(text.split(|&b| b == 0).next().unwrap()).into_owned()
    };
    let field = |at: u64, field: u64| word(bytes, at + field, 8);
    let all = (0..word(bytes, 60, 2)).map(header);
    all.map(|at| (name(at), field(at, 16), field(at, 24), field(at, 32))).collect()
}

/// Returns `size` bytes at an address, by the first loadable segment that contains it.
fn code(bytes: &[u8], address: u64, size: u64) -> Option<&[u8]> {
    let headers = word(bytes, 32, 8);
    for at in (0..word(bytes, 56, 2)).map(|i| headers.wrapping_add(i * 56)) {
        let [offset, start, length] = [8, 16, 32].map(|field| word(bytes, at + field, 8));
        if word(bytes, at, 4) == 1 && address >= start && address - start < length {
            let from = usize::try_from(offset + (address - start)).ok()?;
            return bytes.get(from..from.checked_add(size as usize)?);
        }
    }
    None
}

fn displacement(bytes: &[u8]) -> i64 {
    i32::from_le_bytes(*bytes.first_chunk().unwrap()).into()
}

/// Checks what is reported as inline: a branch whose 32-bit displacement leads to the trampoline,
/// with the grade that its address gives it; and a trampoline that is a jump in one quadword.
fn recheck(bytes: &[u8], report: &Report) {
    for call in report.calls.iter().filter(|c| c.inline) {
        let to = report.trampolines[call.trampoline].address;
        let instruction = code(bytes, call.address, call.length.into()).expect("bytes of a call");
        let (opcode, rest) = match instruction {
            [0x67, 0xe8, rest @ ..] => (Kind::Call, rest),
            [0x67, 0xe9, rest @ ..] => (Kind::Jmp, rest),
            [0xe8, rest @ ..] => (Kind::Call, rest),
            [0xe9, rest @ ..] => (Kind::Jmp, rest),
            [0x0f, 0x80..=0x8f, rest @ ..] => (Kind::Jcc, rest),
            other => panic!("{other:02x?} at {:#x} is reported as inline", call.address),
        };
        assert_eq!((opcode, rest.len()), (call.kind, 4), "{instruction:02x?}");
        let end = call.address + u64::from(call.length);
        assert_eq!(end.wrapping_add_signed(displacement(rest)), to, "{instruction:02x?}");
        let (first, last) = (end - 4, end - 1);
        let grade = match () {
            () if call.address / 8 == last / 8 => Grade::Quad,
            () if first / 8 == last / 8 => Grade::Disp,
            () if call.address / 64 == last / 64 => Grade::Line,
            () => Grade::Straddle,
        };
        assert_eq!(call.grade, grade, "at {:#x}", call.address);
        let trampoline = code(bytes, to, 8).expect("bytes of a trampoline");
        assert!(to.is_multiple_of(8), "{to:#x}");
        assert!(matches!(trampoline, [0xff, 0x25, ..] | [0xe9, ..]), "{trampoline:02x?}");
    }
    for label in report.labels.iter().filter(|l| l.is_sound) {
        let instruction = code(bytes, label.address, 5).expect("bytes of a label");
        assert_eq!(instruction[0], 0xe9, "{instruction:02x?}");
        let to = (label.address + 5).wrapping_add_signed(displacement(&instruction[1..]));
        assert_eq!(to, label.test);
        assert_eq!(label.address / 8, (label.address + 4) / 8);
    }
}

/// Checks what holds for any bytes, and that the report's length is bounded by theirs.
fn hold(bytes: &[u8], with_lines: bool) -> Report {
    let mut policy = Policy::default();
    policy.set_source_lines(with_lines);
    let report = check_with(bytes, &policy);
    recheck(bytes, &report);
    let names = report.calls.iter().filter_map(|c| c.function.as_ref()).map(String::len);
    let messages = report.findings.iter().map(|f| f.message.len());
    assert!(names.chain(messages).sum::<usize>() < 64 * bytes.len() + (32 << 20));
    report
}

/// Flips one bit, checks the image, and flips the bit back.
fn flip(bytes: &mut [u8], at: u64, bit: u64) -> Report {
    let at = at as usize;
    bytes[at] ^= 1 << bit;
    let report = hold(bytes, false);
    bytes[at] ^= 1 << bit;
    report
}

#[test]
fn every_example_is_listed_and_has_calls() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let stems: BTreeSet<_> = entries.map(|p| p.file_stem().unwrap().to_owned()).collect();
    assert_eq!(stems, EXAMPLES.iter().map(|(name, _)| (*name).into()).collect());
    for (name, bytes, _) in images() {
        let summary = hold(&bytes, true).summary;
        assert!(summary.inline + summary.labels > 0, "{name}: {summary}");
    }
}

#[test]
fn truncated() {
    for (name, bytes, mut random) in images() {
        let mut ends: BTreeSet<u64> =
            (0..40).map(|_| random.below(bytes.len() as u64)).chain(0..70).collect();
        let programs = word(&bytes, 32, 8);
        let segments = (0..word(&bytes, 56, 2)).map(|i| programs + i * 56);
        let segments = segments.map(|at| (word(&bytes, at + 8, 8), word(&bytes, at + 32, 8)));
        let tables = [(programs, 56 * word(&bytes, 56, 2)), (word(&bytes, 40, 8), 64)];
        let parts = sections(&bytes).into_iter().map(|(_, _, offset, size)| (offset, size));
        for (offset, size) in parts.chain(segments).chain(tables) {
            ends.extend(
                [offset, offset + size].into_iter().flat_map(|end| end.saturating_sub(1)..end + 2),
            );
        }
        for end in ends.into_iter().filter(|&end| end < bytes.len() as u64) {
            let report = hold(&bytes[..end as usize], true);
            let damaged = [FindingKey::ImageCorrupt, FindingKey::ImageUnsupported];
            assert!(report.calls.is_empty(), "{name} {end}");
            assert!(report.findings.iter().any(|f| damaged.contains(&f.key)), "{name} {end}");
        }
    }
}

/// Flips bits in and around every call, label and trampoline, or in some of them if there are many.
/// A changed call is never reported as it was.
#[test]
fn flipped_code() {
    for (name, mut bytes, mut random) in images() {
        let whole = hold(&bytes, false);
        let calls = whole.calls.iter().filter(|c| c.inline);
        let calls = calls.map(|c| (c.address, u64::from(c.length), Some(c.clone())));
        let labels = whole.labels.iter().map(|l| (l.address, 5, None));
        let trampolines = whole.trampolines.iter().map(|t| (t.address, 8, None));
        let all: Vec<_> = calls.chain(labels).chain(trampolines).collect();
        let step = all.len().div_ceil(MOST).max(1);
        for (address, length, call) in all.into_iter().step_by(step) {
            let at = |bytes: &[u8]| {
                code(bytes, address, 1).unwrap().as_ptr() as u64 - bytes.as_ptr() as u64
            };
            let start = at(&bytes);
            for place in start..start + length {
                let report = flip(&mut bytes, place, random.below(8));
                let is_there = call.as_ref().is_some_and(|call| report.calls.contains(call));
                assert!(
                    !is_there,
                    "{name}: {address:#x} is reported as before with byte {place:#x} changed"
                );
                assert!(
                    call.is_some() || report != whole || place >= start + 6,
                    "{name}: {address:#x} is reported as before with byte {place:#x} changed"
                );
            }
            for _ in 0..8 {
                let near = start.saturating_sub(32) + random.below(64 + length);
                flip(&mut bytes, near, random.below(8));
            }
        }
    }
}

#[test]
fn flipped_tables() {
    const EACH: u64 = 8;
    for (_, mut bytes, mut random) in images() {
        let programs = (word(&bytes, 32, 8), 56 * word(&bytes, 56, 2));
        let headers = (word(&bytes, 40, 8), 64 * word(&bytes, 60, 2));
        let mut parts = vec![((0, 64), 40), (programs, 40), (headers, 40)];
        let read = [
            ".symtab",
            ".strtab",
            ".eh_frame",
            ".eh_frame_hdr",
            ".gcc_except_table",
            ".rela.dyn",
            ".got",
            ".data.rel.ro",
        ];
        for (name, _, offset, size) in sections(&bytes) {
            let is_ours = name.contains("STATIC_CALL") || name.starts_with("static_call");
            if size > 0 && (is_ours || read.contains(&name.as_str())) {
                parts.push(((offset, size), EACH));
            }
        }
        for ((offset, size), count) in parts {
            for _ in 0..count {
                flip(&mut bytes, offset + random.below(size), random.below(8));
            }
        }
    }
}

/// Applies several of the fuzzer's mutations at once.
#[test]
fn hostile_images() {
    for (_, whole, mut random) in images() {
        let mut bytes = whole.clone();
        for round in 0..24 {
            for _ in 0..=round % 4 {
                mutate(&mut bytes, &mut random);
            }
            hold(&bytes, round % 4 == 0);
            if round % 8 == 7 {
                check_all(&bytes);
            }
            bytes.copy_from_slice(&whole);
        }
    }
}
