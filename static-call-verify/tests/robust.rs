//! Damaged and foreign images: findings, never a panic.

mod hostile;
mod images;

use std::sync::OnceLock;

use hostile::{Random, check, check_all, mutate};
use images::{function, image};
use object::LittleEndian as LE;
use object::elf::{FileHeader64, SHF_ALLOC, SectionHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use proptest::prelude::*;
use static_call::layout::{KEYS_SECTION, SITES_SECTION, TRAMPOLINES_SECTION};
use static_call_verify::report::Finding;
use static_call_verify::{FindingKey, InputCounter, Policy, stamp, table_object, verify};

/// Returns a small image with every kind of thing in it.
fn sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| linked(20, &["-g", "-pie", "-Wl,--no-relax"]))
}

/// Returns the sample's program with room for this many entries, linked with these arguments.
fn linked(capacity: u32, args: &[&str]) -> Vec<u8> {
    {
        let table = images::fresh("table.o");
        std::fs::write(&table, table_object(capacity, &Policy::default())).unwrap();
        let body = "lea table(%rip), %rax\n movslq (%rax,%rdi,4), %rcx\n add %rax, %rcx\n \
                    jmp *%rcx\n1: call tramp\n ret\n 2: call site_tramp\n \
                    mov tramp@GOTPCREL(%rip), %rax\n\
                    call *tramp@GOTPCREL(%rip)\n lea tramp(%rip), %rdi\n jne tramp\n jmp tramp\n\
                    .section .rodata.table,\"a\"\n.p2align 2\ntable: .long 1b - table, 2b - table\n\
                    .text";
        let body = format!("{}8: {body}", images::label::LABEL);
        let text = function("f", &body) + ".set _start, f\n.data\n.quad tramp\n";
        let table = table.to_str().unwrap();
        image(&format!(".text\n{text}"), &[args, &[table]].concat())
    }
}

/// Returns the same image, bound.
fn bound() -> &'static [u8] {
    static BOUND: OnceLock<Vec<u8>> = OnceLock::new();
    BOUND.get_or_init(|| {
        let mut image = sample().to_vec();
        let mut policy = Policy::default();
        policy.set_bind_defaults(true);
        let (report, _) = stamp(&mut image, &policy);
        assert_eq!(report.summary.bound, 1, "{report}");
        image
    })
}

#[test]
fn truncated_images() {
    let sample = sample();
    let summary = verify(sample, &Policy::default()).summary;
    assert!(summary.inline > 0 && summary.labels > 0, "{summary}");
    for end in (0..sample.len()).step_by(64).chain([sample.len() - 1]) {
        let cut = &sample[..end];
        check_all(cut);
        let report = verify(cut, &Policy::default());
        let damaged = [FindingKey::ImageCorrupt, FindingKey::ImageUnsupported];
        assert!(report.findings.iter().any(|f| damaged.contains(&f.key)), "{end}: {report}");
    }
}

/// The program reads a record where it is loaded. The bytes of a section that is not loaded there
/// say nothing.
#[test]
fn records_that_are_not_loaded() {
    for name in [KEYS_SECTION, SITES_SECTION] {
        let mut image = sample().to_vec();
        let (place, section) = section_header(&image, name);
        let (flags, address) = (section.sh_flags(LE), section.sh_addr(LE));
        let records = section.data(LE, &*image).unwrap().to_vec();
        image[place + 8..][..8].copy_from_slice(&(flags.0 & !SHF_ALLOC.0).to_le_bytes());
        let elsewhere = image.len() as u64;
        image[place + 24..][..8].copy_from_slice(&elsewhere.to_le_bytes());
        image.extend(records);
        let report = verify(&image, &Policy::default());
        let is_it = |f: &Finding| f.key == FindingKey::RecordCorrupt && f.address == Some(address);
        assert!(report.findings.iter().any(is_it), "{name}: {report}");
        check_all(&image);
    }
}

#[test]
fn foreign_files() {
    let unsupported = |bytes: &[u8]| {
        let report = verify(bytes, &Policy::default());
        check_all(bytes);
        assert_eq!(report.findings[0].key, FindingKey::ImageUnsupported, "{report}");
    };
    unsupported(b"");
    unsupported(b"#!/bin/sh\n");
    unsupported(b"!<arch>\n");
    unsupported(b"MZ\x90\0");
    unsupported(&[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]);
    unsupported(&table_object(3, &Policy::default()));
    let mut arm = sample().to_vec();
    arm[18] = 183;
    unsupported(&arm);
    let mut big = sample().to_vec();
    big[5] = 2;
    unsupported(&big);
    let mut short = sample().to_vec();
    short[4] = 1;
    unsupported(&short);
}

#[test]
fn images_without_static_calls() {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let report = verify(&own, &Policy::default());
    // This test program links the library's records section, if at all, without a trampoline.
    assert_eq!((report.summary.calls, report.findings.len()), (0, 0), "{report}");
}

#[test]
fn every_flipped_header_byte() {
    let sample = sample();
    let mut copy = sample.to_vec();
    // The ELF header and the program headers, then the section headers at the end.
    let ends = (0..1000).chain(sample.len().saturating_sub(3000)..sample.len());
    for at in ends.filter(|&a| a < sample.len()) {
        for byte in [0xff, sample[at] ^ 0x80] {
            copy[at] = byte;
            check_all(&copy);
        }
        copy[at] = sample[at];
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn flipped_bits(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..12)) {
        let mut copy = sample().to_vec();
        for (at, bit) in flips {
            let at = at.index(copy.len());
            copy[at] ^= 1 << bit;
        }
        check_all(&copy);
    }

    #[test]
    fn bound_images(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 0..8),
        seed: u64,
    ) {
        let mut copy = bound().to_vec();
        mutate(&mut copy, &mut Random::new(seed));
        for (at, bit) in flips {
            let at = at.index(copy.len());
            copy[at] ^= 1 << bit;
        }
        check_all(&copy);
    }

    #[test]
    fn hostile_words(
        words in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![
                Just(u64::MAX), Just(0), Just(1 << 63), Just(u64::MAX - 100), any::<u64>(),
            ]),
            1..6,
        ),
    ) {
        let mut copy = sample().to_vec();
        for (at, word) in words {
            let at = at.index(copy.len() / 8) * 8;
            copy[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        check_all(&copy);
    }

    #[test]
    fn cut_anywhere(end in any::<prop::sample::Index>()) {
        let sample = sample();
        check_all(&sample[..end.index(sample.len())]);
    }
}

/// Returns the files in a directory below this package's, by name.
fn files(dir: &str) -> Vec<(String, Vec<u8>)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Returns an image with more content, and with more section headers after its own.
fn with_sections(headers: &[[u64; 10]], content: usize) -> Vec<u8> {
    let mut file = files("../fuzz/seeds/verify").into_iter().find(|f| f.0 == "pie.elf").unwrap().1;
    let own = u64::from_le_bytes(*file[40..].first_chunk().unwrap()) as usize;
    let count = usize::from(file[60]);
    let own = file[own..own + 64 * count].to_vec();
    file.resize(file.len().next_multiple_of(8) + content, 0x90);
    let at = file.len() as u64;
    file.extend(&own);
    for header in headers {
        let sizes = [4, 4, 8, 8, 8, 8, 4, 4, 8, 8];
        for (value, size) in header.iter().zip(sizes) {
            file.extend(&value.to_le_bytes()[..size]);
        }
    }
    file[40..48].copy_from_slice(&at.to_le_bytes());
    file[60..62].copy_from_slice(&((count + headers.len()) as u16).to_le_bytes());
    file
}

/// Returns the name of the trampolines' record section, as an offset into the image's names.
fn name_of_records(file: &[u8]) -> u64 {
    section_header(file, TRAMPOLINES_SECTION).1.sh_name(LE).into()
}

/// Returns the header of a section, and where it is in the file.
fn section_header<'f>(file: &'f [u8], name: &str) -> (usize, &'f SectionHeader64<LE>) {
    let header = FileHeader64::<LE>::parse(file).unwrap();
    let sections = header.sections(LE, file).unwrap();
    let (index, section) = sections.section_by_name(LE, name.as_bytes()).unwrap();
    (header.e_shoff(LE) as usize + index.0 * size_of::<SectionHeader64<LE>>(), section)
}

/// Sixty thousand sections that each cover the whole file would be read sixty thousand times. A few
/// hundred are refused for the same reason. Without that they would be read, and this test would
/// fail instead of hanging.
#[test]
fn overlapping_sections() {
    let name = name_of_records(&with_sections(&[], 0));
    for (count, size) in [(300, 64 << 10), (60_000, 4 << 20)] {
        let code = [0, 1, 6, 0, 0, size, 0, 0, 1, 0];
        let relocations = [0, 4, 2, 0, 0, size, 0, 0, 8, 24];
        let symbols = [0, 2, 0, 0, 0, size, 0, 0, 8, 24];
        // Records are read before anything else.
        let records = [name, 1, 2, 0, 0, size, 0, 0, 4, 0];
        for header in [code, relocations, symbols, records] {
            let file = with_sections(&vec![header; count], size as usize);
            let report = check(&file);
            let [finding] = report.findings.as_slice() else { panic!("{report}") };
            let message = "its sections are larger than the file";
            assert!(finding.message.contains(message), "{header:?}: {report}");
            check_all(&file);
        }
    }
    // The sections of the image itself are not refused.
    assert!(check(&with_sections(&[], 64)).summary.inline > 0);
}

#[test]
fn huge_sizes_and_counts() {
    for (name, seed) in files("../fuzz/seeds/verify") {
        let header = |at: usize| u16::from_le_bytes([seed[at], seed[at + 1]]);
        let sections = u64::from_le_bytes(*seed[40..].first_chunk().unwrap()) as usize;
        for section in 0..usize::from(header(60)) {
            for field in [16, 24, 32] {
                for value in [u64::MAX, 1 << 63, 1 << 40, seed.len() as u64, u64::MAX - 4095] {
                    let mut copy = seed.clone();
                    let at = sections + section * 64 + field;
                    copy[at..at + 8].copy_from_slice(&value.to_le_bytes());
                    check_all(&copy);
                }
            }
        }
        // Counts of the table, of program headers, of sections.
        let table = seed.windows(8).position(|w| w == b"STATCALL").unwrap();
        for at in [table + 12, table + 16, 54, 56, 58, 60] {
            let mut copy = seed.clone();
            copy[at..at + 2].copy_from_slice(&[0xff, 0xff]);
            let report = check(&copy);
            check_all(&copy);
            assert!(!report.findings.is_empty(), "{name} {at}: {report}");
        }
    }
}

/// With one long name and many calls, the report is not as long as their product.
#[test]
fn texts_are_bounded() {
    let name = "N".repeat(4000);
    let body = ".rept 20000\n call tramp\n.endr\n ret";
    let text = format!(".text\n{}.set _start, {name}\n", function(&name, body));
    let bytes = image(&text, &["-pie"]);
    let report = check(&bytes);
    assert_eq!(report.summary.calls, 20_000);
    let told: usize =
        report.calls.iter().filter_map(|c| c.function.as_ref()).map(|f| f.len()).sum();
    let said: usize = report.findings.iter().map(|f| f.message.len()).sum();
    assert!(told > 0 && told + said < 64 * bytes.len() + (32 << 20), "{told} {said}");
}

/// Inputs that fuzzing has found are checked for ever.
#[test]
fn regressions() {
    let files = files("tests/regressions");
    assert!(!files.is_empty());
    for (name, bytes) in files {
        println!("{name}");
        check_all(&bytes);
    }
}

/// The fuzzer's seeds. `BLESS=1` rewrites them.
const SEEDS: [(&str, &[&str]); 6] = [
    ("debug.elf", &["-g", "-pie", "-Wl,--no-relax"]),
    ("exec.elf", &["-no-pie", "-static"]),
    ("lld.elf", &["-pie", "-fuse-ld=lld"]),
    ("pie.elf", &["-pie", "-Wl,--no-relax"]),
    ("so.elf", &["-shared", "-Wl,--no-relax"]),
    ("strip.elf", &["-s", "-pie", "-Wl,--no-relax"]),
];

/// Applies the fuzzer's mutations, the same every time, to its seeds.
#[test]
fn hostile_images() {
    if std::env::var_os("BLESS").is_some() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/verify");
        for (name, args) in SEEDS {
            std::fs::write(dir.join(name), linked(20, args)).unwrap();
        }
    }
    let mut random = Random::new(1);
    for (name, seed) in files("../fuzz/seeds/verify") {
        assert!(check(&seed).summary.inline > 0, "{name}");
        for round in 0..1000 {
            let mut copy = seed.clone();
            for _ in 0..=round % 4 {
                mutate(&mut copy, &mut random);
            }
            check_all(&copy);
        }
    }
    for (name, seed) in files("../fuzz/seeds/inputs") {
        let entries = |bytes: &[u8]| {
            let mut counter = InputCounter::default();
            counter.add(bytes);
            counter.entries()
        };
        assert!(entries(&seed) > 0, "{name}");
        for _ in 0..1000 {
            let mut copy = seed.clone();
            mutate(&mut copy, &mut random);
            assert!(entries(&copy) as usize <= copy.len() / 24);
        }
    }
}
