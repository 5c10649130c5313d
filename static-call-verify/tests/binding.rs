//! Binding calls to their defaults in the file: what is written, what is left alone, and that the
//! verifier looks through it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod images;

use images::label::{LABEL, Label};
use images::{PRELUDE, function, linkers};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};
use static_call::arch::x86_64::Branch;
use static_call::layout::{Kind, TABLE_SECTION, TableHeader};
use static_call_verify::report::{Report, TableState};
use static_call_verify::{FindingKey, Policy, Stamped, stamp, table_object, verify};

/// Calls of every kind.
const BODY: &str = "call tramp\n call site_tramp\n call *tramp@GOTPCREL(%rip)\n \
                    lea tramp(%rip), %rdi\n jne tramp\n jmp site_tramp";

/// Links this prelude and this body of a function `f`, with a table.
fn linked(prelude: &str, body: &str, args: &[&str]) -> Vec<u8> {
    let table = images::fresh("table.o");
    std::fs::write(&table, table_object(20, &Policy::default())).unwrap();
    let text = format!("{prelude}.text\n{}.set _start, f\n", function("f", body));
    let object = images::assemble(&text);
    images::link(&[&object, &table], args)
}

/// Binds an image, which must be possible to stamp.
fn bind(image: &[u8]) -> (Vec<u8>, Report) {
    let mut bound = image.to_vec();
    let mut policy = Policy::default();
    policy.set_bind_defaults(true);
    let (report, stamped) = stamp(&mut bound, &policy);
    assert!(matches!(stamped, Stamped::Done { .. }), "{stamped:?} {report}");
    assert_eq!(verify(&bound, &Policy::default()), report, "as the file says");
    (bound, report)
}

/// Stamps an image without binding it.
fn plain(image: &[u8]) -> (Vec<u8>, Report) {
    let mut stamped = image.to_vec();
    let (report, _) = stamp(&mut stamped, &Policy::default());
    (stamped, report)
}

fn symbol(image: &[u8], name: &str) -> u64 {
    let file = object::File::parse(image).unwrap();
    file.symbols().find(|s| s.name() == Ok(name)).unwrap().address()
}

fn code(image: &[u8], address: u64) -> [u8; 8] {
    let file = object::File::parse(image).unwrap();
    let mut segments = file.segments();
    let found = segments.find_map(|s| s.data_range(address, 8).unwrap().map(<[u8]>::to_vec));
    found.expect("code").try_into().unwrap()
}

fn destination(image: &[u8], address: u64) -> u64 {
    Branch::decode(&code(image, address)).unwrap().destination(address)
}

/// Asserts that the calls that can be rewritten and the trampolines lead to `to`.
fn check_leads(image: &[u8], report: &Report, to: &str) {
    let to = symbol(image, to);
    let listed = report.calls.iter().filter(|call| call.listed);
    assert_eq!(listed.clone().count(), 5, "{report}");
    let addresses = listed.map(|call| call.address);
    for address in addresses.chain(report.trampolines.iter().map(|t| t.address)) {
        assert_eq!(destination(image, address), to, "{address:#x}");
    }
}

fn check_not_bound(prelude: &str, body: &str, args: &[&str]) {
    let image = linked(prelude, body, args);
    let mut bound = image.clone();
    let mut policy = Policy::default();
    policy.set_bind_defaults(true);
    let (report, _) = stamp(&mut bound, &policy);
    assert_eq!(report.summary.bound, 0, "{report}");
    assert!(bound == plain(&image).0, "nothing else is written");
}

#[test]
fn calls_lead_to_the_default_with_every_linker() {
    for linker in linkers(&["bfd", "lld", "mold"]) {
        for mode in ["-pie", "-no-pie", "-shared"] {
            let image = linked(PRELUDE, BODY, &[&linker, mode]);
            let (bound, report) = bind(&image);
            assert_eq!(report.summary.bound, 1, "{linker} {mode}: {report}");
            check_leads(&bound, &report, "shim");
            let (linked, mut before) = plain(&image);
            before.keys[0].is_bound = true;
            before.summary.bound = 1;
            assert_eq!(before, report, "{linker} {mode}");
            // Stamped again, and taken back.
            assert!(bind(&bound).0 == bound && plain(&bound).0 == linked, "{linker} {mode}");
        }
    }
}

/// A default that only jumps is skipped, as an update would.
#[test]
fn jumps_are_skipped() {
    let real = ".section .text.real,\"ax\",@progbits\n .globl real\n .hidden real\n \
                .type real, @function\n real: nop\n ret\n .size real, . - real\n";
    for jump in [".byte 0xe9\n .long real - . - 4", "jmp *real@GOTPCREL(%rip)"] {
        let prelude = PRELUDE.replace("shim:\n    ret", &format!("shim:\n    {jump}"));
        let image = linked(&format!("{prelude}{real}"), BODY, &["-pie", "-Wl,-z,now"]);
        let (bound, report) = bind(&image);
        check_leads(&bound, &report, "real");
        assert!(plain(&bound).0 == plain(&image).0);
    }
    // A call that is itself rewritten later is not skipped.
    let prelude = PRELUDE.replace("shim:\n    ret", "shim:\n    jmp site_tramp");
    let image = linked(&prelude, "call tramp\n ret", &["-pie"]);
    let (bound, report) = bind(&image);
    let call = report.calls.iter().find(|call| call.kind == Kind::Call).unwrap();
    assert_eq!(destination(&bound, call.address), symbol(&bound, "shim"));
}

/// A label is the no-op by the expected answer, and a jump to its block by the other one.
#[test]
fn labels_say_what_the_default_says() {
    // Without a body the default is off; polarity 1 falls through while off, 2 while on.
    for (flags, polarity, falls_through) in
        [(0, "1", false), (0, "2", true), (1, "1", true), (1, "2", false)]
    {
        let prelude = PRELUDE.replace(".byte 0, 0, 0, 0\n", &format!(".byte {flags}, 0, 0, 0\n"));
        let body = format!("{}nop\n8: {BODY}", LABEL.with_polarity(polarity));
        let image = linked(&prelude, &body, &["-pie"]);
        let (bound, report) = bind(&image);
        let [label] = &report.labels[..] else { panic!("{report}") };
        assert!(label.is_sound);
        let expected = match falls_through {
            true => [0x0f, 0x1f, 0x44, 0, 0],
            // Over the no-op to the block.
            false => [0xe9, 1, 0, 0, 0],
        };
        assert_eq!(code(&bound, label.address)[..5], expected, "{flags} {polarity}");
        assert!(plain(&bound).0 == plain(&image).0);
    }
}

/// Where calls could not follow an update, or the default is not known, nothing is bound.
#[test]
fn some_keys_are_not_bound() {
    // The default is chosen at run time.
    let chooses = PRELUDE.replace(".byte 0, 0, 0, 0\n", ".byte 32, 0, 0, 0\n");
    check_not_bound(&chooses, BODY, &["-pie"]);
    // Another image may replace the default.
    let exported = PRELUDE.replace("shim:\n", ".globl shim\nshim:\n");
    check_not_bound(&exported, BODY, &["-shared"]);
    // There is no runtime.
    let foreign = PRELUDE.replace("static_call_0_1_runtime", "other_section");
    check_not_bound(&foreign, BODY, &["-pie"]);
    // One trampoline or label is not what the macros emit.
    let padding = ".byte 0xcc, 0xcc, 0xcc\n    .size site_tramp";
    let unsound = PRELUDE.replace(padding, ".byte 0x90, 0xcc, 0xcc\n    .size site_tramp");
    assert_ne!(unsound, PRELUDE);
    check_not_bound(&unsound, BODY, &["-pie"]);
    // Or its test is not.
    let [call, condition, block, _] = LABEL.test;
    for label in [
        Label { code: ".byte 0xe8\n.long 9f - . - 4", ..LABEL },
        Label { test: [call, condition, block, "2b"], ..LABEL },
    ] {
        check_not_bound(PRELUDE, &format!("{label}8: {BODY}"), &["-pie"]);
    }
}

/// Only what binding writes is taken back: other code, or another table, is found to be wrong.
#[test]
fn damage_is_found() {
    let (bound, report) = bind(&linked(PRELUDE, BODY, &["-pie"]));
    let is_stale = |image: &[u8]| {
        let report = verify(image, &Policy::default());
        assert!(report.findings.iter().any(|f| f.key == FindingKey::TableStale), "{report}");
        assert_eq!(report.image.table, TableState::Stale);
    };
    let file = object::File::parse(&*bound).unwrap();
    let text = file.section_by_name(".text").unwrap();
    let call = report.calls.iter().find(|call| call.listed).unwrap();
    let at = text.file_range().unwrap().0 + (call.address - text.address());
    let mut other = bound.clone();
    other[at as usize + 1] ^= 1;
    is_stale(&other);
    let mut other = bound.clone();
    other[at as usize] = 0xe9;
    is_stale(&other);
    let table = file.section_by_name(TABLE_SECTION).unwrap().file_range().unwrap().0 as usize;
    let mut other = bound.clone();
    other[table + TableHeader::SIZE] ^= 1;
    is_stale(&other);
}
