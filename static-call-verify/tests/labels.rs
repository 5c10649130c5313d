//! Tests of jump labels: they are checked as they are in the file, and a bad one is a finding.

mod images;

use images::label::{LABEL, Label, SITE};
use images::{function, image};
use static_call_verify::report::{Grade, Polarity};
use static_call_verify::{FindingKey, Policy, Report, verify};

/// Returns the report on an image with these labels in a function `f`.
fn report_of(labels: &[&Label]) -> Report {
    let mut body: String = labels.iter().map(ToString::to_string).collect();
    body += "call site_tramp\n ret\n 8: ret";
    let text = function("f", &body) + ".set _start, f\n";
    // Without an index of the records' section the linker would drop nothing; here it keeps
    // everything.
    let image = image(&format!(".text\n{text}"), &["-no-pie"]);
    verify(&image, &Policy::default())
}

fn findings(report: &Report) -> Vec<(FindingKey, &str)> {
    // Without a sound label nothing leads to the call after it.
    let noise = [FindingKey::TableMissing, FindingKey::CallGradeLine, FindingKey::ImageUndecodable];
    let all = report.findings.iter().filter(|f| !noise.contains(&f.key));
    all.map(|f| (f.key, f.message.as_str())).collect()
}

#[test]
fn what_the_macros_emit() {
    let flag = Label { words: ["2b - .", "9f - .", "stub - .", "0", "2"], ..LABEL };
    let report = report_of(&[&LABEL, &flag]);
    assert_eq!(findings(&report), [], "{report}");
    assert_eq!(report.summary.labels, 2);
    // The path continues after a label.
    assert_eq!(report.calls[0].grade, Grade::Line, "{report}");
    let [first, second] = &report.labels[..] else { panic!("{report}") };
    assert!(first.is_sound && second.is_sound);
    assert_eq!((first.key, first.site, first.polarity), (0, Some(0), Polarity::Unlikely));
    assert_eq!((second.key, second.site, second.polarity), (0, None, Polarity::Likely));
    assert_eq!(first.address % 8, 0);
    let text = report.to_string();
    let end = " 3 calls: 2 inline, 1 trampoline, 0 indirect";
    assert!(text.ends_with(end), "{text}");
    let ratio = "module::key  0 of 1 call inline, 2 of 2 jump labels inline  file.rs:5:9\n";
    assert!(text.contains(ratio), "{text}");
    let has = |end: &str| text.contains(&format!("label         quad      inline         {end}\n"));
    assert!(has("file.rs:11:13 (call!)") && has("in _start"), "{text}");
}

/// The unexpected answer of a label comes from its test, which lies outside of the function. What
/// only the test leads to is proved if the test is what the macros emit, and so is the label.
#[test]
fn calls_after_a_test() {
    const TEST: [&str; 4] = LABEL.test;
    let report_of = |[call, condition, block, after]: [&'static str; 4]| {
        let label = Label { test: [call, condition, block, after], ..LABEL };
        let body = format!("{label}ret\n.p2align 3\n8: call site_tramp\n ret");
        let here = function("here", " ret");
        let text = function("f", &body) + &here + ".set _start, f\n";
        verify(&image(&format!(".text\n{text}"), &["-no-pie"]), &Policy::default())
    };
    let found = |parts| {
        let report = report_of(parts);
        (report.labels[0].is_sound, report.calls[0].grade)
    };
    assert_eq!(found(TEST), (true, Grade::Quad));
    let [call, condition, block, after] = TEST;
    for call in ["call here\nnop", ".byte 0x67\ncall here", "nop\ncall here"] {
        assert_eq!(found([call, condition, block, after]), (true, Grade::Quad));
    }
    let elsewhere = [call, condition, "here", after];
    assert_eq!(found(elsewhere), (true, Grade::None), "nothing leads to the call");
    for parts in [
        ["call here\n", condition, block, after],
        ["lea here(%rip), %eax", condition, block, after],
        [call, "nop\n.byte 0xe9", block, after],
        // The condition of the other polarity.
        [call, ".byte 0x0f, 0x84", block, after],
        [call, condition, block, "here"],
    ] {
        assert_eq!(found(parts), (false, Grade::None), "{parts:?}");
    }
}

/// If there is no call, a label is enough to make its site live.
#[test]
fn sites_with_a_label_are_live() {
    let report = report_of(&[&LABEL]);
    // The other site stands for the plain calls of the key.
    assert_eq!((report.summary.sites, report.sites[0].key), (2, Some(0)));
}

#[track_caller]
fn wrong(label: &Label, key: FindingKey, message: &str, remains: bool) {
    let report = report_of(&[label]);
    let found = findings(&report);
    assert!(matches!(found[..], [(k, m)] if k == key && m.starts_with(message)), "{report}");
    assert!(!remains || found[0].1.ends_with(key.fix()), "{report}");
    assert_eq!(report.labels.len(), usize::from(remains));
    assert!(!report.labels.iter().any(|label| label.is_sound));
}

#[test]
fn misaligned() {
    for align in [".p2align 3\n.skip 4, 0x90", ".p2align 3\n.skip 7, 0x90"] {
        wrong(
            &Label { align, ..LABEL },
            FindingKey::LabelMisaligned,
            "a jump label of `module::key` crosses an 8-byte boundary: it is not patched",
            true,
        );
    }
}

#[test]
fn other_bytes() {
    let message =
        "a jump label of `module::key` is not the code that the macros emit: it is not patched";
    let other = |label: &Label| wrong(label, FindingKey::LabelBytes, message, true);
    other(&Label { code: ".byte 0x0f, 0x1f, 0x44, 0, 0", ..LABEL });
    other(&Label { code: ".byte 0xe8\n.long 9f - . - 4", ..LABEL });
    other(&Label { code: ".byte 0xe9\n.long 9f - . - 3", ..LABEL });
    other(&Label { words: ["2b - .", "9f - . + 1", "stub - .", SITE, "1"], ..LABEL });
    // A trampoline is not a test, and neither is data.
    other(&Label {
        code: ".byte 0xe9\n.long tramp - . - 4",
        words: ["2b - .", "tramp - .", "stub - .", SITE, "1"],
        ..LABEL
    });
    other(&Label {
        code: ".byte 0xe9\n.long text - . - 4",
        words: ["2b - .", "text - .", "stub - .", SITE, "1"],
        ..LABEL
    });
    other(&Label { words: ["text - . + 1", "9f - .", "stub - .", SITE, "1"], ..LABEL });
}

#[test]
fn records_that_name_nothing() {
    let corrupt = |words, message| {
        wrong(&Label { words, ..LABEL }, FindingKey::RecordCorrupt, message, false);
    };
    corrupt(
        ["2b - .", "9f - .", "tramp - .", SITE, "1"],
        "the record of a jump label names no key of this image",
    );
    corrupt(
        ["2b - .", "9f - .", "stub - .", SITE, "3"],
        "the record of a jump label has an unknown polarity",
    );
}

/// The record of a site can be in another image than its label.
#[test]
fn a_site_that_is_described_elsewhere() {
    let report =
        report_of(&[&Label { words: ["2b - .", "9f - .", "stub - .", "0x5174", "1"], ..LABEL }]);
    assert_eq!(findings(&report), [], "{report}");
    assert!(report.labels[0].is_sound && report.labels[0].site.is_none(), "{report}");
}

/// Two equal labels are folded code. Two different ones are not trusted.
#[test]
fn two_records_of_one_label() {
    let again = |polarity| Label {
        align: "",
        code: "",
        words: ["f - .", "9b - .", "stub - .", SITE, polarity],
        ..LABEL
    };
    let first = Label { align: "", words: ["f - .", "9f - .", "stub - .", SITE, "1"], ..LABEL };
    let report = report_of(&[&first, &again("1")]);
    assert_eq!((findings(&report).len(), report.labels.len()), (0, 1), "{report}");
    let report = report_of(&[&first, &again("2")]);
    let message = "two jump labels share bytes or contradict each other";
    assert_eq!(findings(&report), [(FindingKey::RecordCorrupt, message)], "{report}");
    assert!(!report.labels.iter().any(|label| label.is_sound), "{report}");
}

/// The record of a label that was dropped has a null address.
#[test]
fn dropped_labels_are_ignored() {
    let dropped = Label { words: ["0", "0", "stub - .", SITE, "1"], ..LABEL };
    let report = report_of(&[&dropped]);
    assert_eq!((findings(&report).len(), report.summary.labels), (0, 0), "{report}");
}
