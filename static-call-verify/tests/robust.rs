//! Damaged and foreign images: findings, never a panic.

mod images;

use std::sync::OnceLock;

use images::{function, image};
use proptest::prelude::*;
use static_call_verify::{FindingKey, InputCounter, Policy, Stamped, stamp, table_object, verify};

/// A small image with every kind of thing in it.
fn sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let table = images::fresh("table.o");
        std::fs::write(&table, table_object(20, &Policy::default())).unwrap();
        let body = "lea table(%rip), %rax\n movslq (%rax,%rdi,4), %rcx\n add %rax, %rcx\n jmp *%rcx\n\
                    1: call tramp\n ret\n 2: call site_tramp\n mov tramp@GOTPCREL(%rip), %rax\n\
                    call *tramp@GOTPCREL(%rip)\n lea tramp(%rip), %rdi\n jne tramp\n jmp tramp\n\
                    .section .rodata.table,\"a\"\n.p2align 2\ntable: .long 1b - table, 2b - table\n\
                    .text";
        let label = ".p2align 3,,4\n2: .byte 0xe9\n.long 9f - . - 4\n9: nop\n\
                     .pushsection static_call_0_1_hooks,\"ao\",@progbits,f\n.p2align 2\n\
                     .long 2b - ., 9b - ., stub - ., site - ., 1\n.popsection\n";
        let text = function("f", &format!("{label}{body}")) + ".set _start, f\n.data\n.quad tramp\n";
        let table = table.to_str().unwrap();
        image(&format!(".text\n{text}"), &["-g", "-pie", "-Wl,--no-relax", table])
    })
}

fn all(bytes: &[u8]) {
    let policy = Policy::default();
    let report = verify(bytes, &policy);
    let _ = report.to_string();
    let mut copy = bytes.to_vec();
    let (_, stamped) = stamp(&mut copy, &policy);
    if !matches!(stamped, Stamped::Done { .. }) {
        assert_eq!(copy, bytes, "{stamped:?}");
    }
    let mut counter = InputCounter::default();
    counter.add(bytes);
    let _ = counter.entries();
}

#[test]
fn truncated_images() {
    let sample = sample();
    let summary = verify(sample, &Policy::default()).summary;
    assert!(summary.inline > 0 && summary.labels > 0, "{summary}");
    for end in (0..sample.len()).step_by(64).chain([sample.len() - 1]) {
        let cut = &sample[..end];
        all(cut);
        let report = verify(cut, &Policy::default());
        let damaged = [FindingKey::ImageCorrupt, FindingKey::ImageUnsupported];
        assert!(report.findings.iter().any(|f| damaged.contains(&f.key)), "{end}: {report}");
    }
}

#[test]
fn foreign_files() {
    let unsupported = |bytes: &[u8]| {
        let report = verify(bytes, &Policy::default());
        all(bytes);
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
            all(&copy);
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
        all(&copy);
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
        all(&copy);
    }

    #[test]
    fn cut_anywhere(end in any::<prop::sample::Index>()) {
        let sample = sample();
        all(&sample[..end.index(sample.len())]);
    }
}
