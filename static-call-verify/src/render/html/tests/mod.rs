//! Tests of the page's structure.

mod order;
mod page;
mod style;
mod top;

use std::collections::BTreeSet;

use static_call::arch::x86_64::{CACHE_LINE, QUADWORD, grade as grade_of};
use static_call::layout::Polarity;

use page::{Tag, tags, words};

use super::line::{Drawn, Shape, UNIT};
use super::*;
use crate::policy::FindingKey;
use crate::report::{
    Finding, ImageKind, Key, Label, Site, Source, Summary, TableState, Trampoline,
};

fn source(file: &str, line: u32) -> Source {
    Source { file: file.to_owned(), line, column: 5 }
}

fn key(name: &str) -> Key {
    Key {
        address: 0x9000,
        stub: 0x8000,
        name: name.to_owned(),
        module: "app::codec".to_owned(),
        signature: format!("fn {name}(data: &[u8]) -> Option<u32>"),
        source: source("src/codec.rs", 3),
        has_no_body: false,
        default: None,
        is_bound: false,
    }
}

fn call(address: u64, kind: Kind, length: u8, key: usize) -> Call {
    let grade = grade_of(address, length.max(4) - 4, length.max(5));
    let inline = kind.is_direct() && grade.is_patchable();
    let reason = match kind {
        Kind::CallGot | Kind::JmpGot => Some(Reason::ThroughGot),
        Kind::Register => Some(Reason::ThroughRegister),
        Kind::AddressTaken => Some(Reason::AddressInData),
        _ => None,
    };
    let grade = if kind.is_direct() { grade } else { Grade::None };
    let (function, source) = (Some("app::run".to_owned()), Some(source("src/main.rs", 7)));
    let site = (key == 1).then_some(0);
    Call {
        address,
        kind,
        grade,
        length,
        trampoline: key,
        key,
        site,
        function,
        source,
        inline,
        listed: inline,
        reason,
    }
}

/// Returns a call that is not inline although it is direct.
fn not_inline(address: u64, kind: Kind, length: u8, reason: Reason) -> Call {
    let (grade, reason) = (Grade::None, Some(reason));
    Call { grade, reason, inline: false, listed: false, ..call(address, kind, length, 0) }
}

/// Returns a report with calls at every place in a line, of every kind; a label, and findings of
/// two severities.
fn report() -> Report {
    let mut report = Report { keys: vec![key("encode"), key("decode")], ..Report::default() };
    report.image.kind = ImageKind::PositionIndependentExecutable;
    report.image.table = TableState::Filled { count: 128, capacity: 128 };
    report.calls.extend((0..64).map(|i| call(0x1_0000 + i * 65, Kind::Call, 5, 0)));
    report.calls.extend((0..64).map(|i| call(0x2_0000 + i * 65, Kind::Jcc, 6, 1)));
    report.calls.push(call(0x3_0000, Kind::CallGot, 6, 0));
    report.calls.push(call(0x3_1000, Kind::Register, 7, 1));
    report.calls.push(call(0x3_203c, Kind::AddressTaken, 0, 1));
    report.calls.push(not_inline(0x3_3000, Kind::Jmp, 2, Reason::ShortJump));
    report.calls.push(not_inline(0x3_4000, Kind::Call, 6, Reason::UnusualPrefix));
    report.calls.push(not_inline(0x3_5000, Kind::Jcc, 6, Reason::NotProved));
    report.sites = vec![
        Site { address: 0x9100, id: None, source: source("src/main.rs", 11), key: Some(1) },
        Site { address: 0x9200, id: None, source: source("src/dead.rs", 1), key: None },
    ];
    let trampoline = |key| Trampoline {
        address: 0x5000,
        stub: 0x5100,
        key,
        is_plain: true,
        sites: vec![],
        is_sound: true,
    };
    report.trampolines = vec![trampoline(0), trampoline(1)];
    let label = |address, is_sound| Label {
        address,
        test: 0x7000,
        polarity: Polarity::Unlikely,
        key: 0,
        site: None,
        function: Some("app::ask".to_owned()),
        is_sound,
    };
    report.labels = vec![label(0x4_0003, true), label(0x4_0005, false)];
    let finding = |key, severity, message: &str| Finding {
        key,
        severity,
        message: message.to_owned(),
        address: Some(0x3_0000),
        source: Some(source("src/main.rs", 7)),
    };
    let with_fix = format!("through the GOT; {}", FindingKey::CallViaGot.fix());
    report.findings = vec![
        finding(FindingKey::CallViaGot, Level::Deny, &with_fix),
        finding(FindingKey::CallGradeLine, Level::Note, "the first"),
        finding(FindingKey::CallGradeLine, Level::Note, "the second"),
    ];
    report.summary = summary(&report);
    report
}

fn summary(report: &Report) -> Summary {
    let mut summary = Summary { keys: report.keys.len(), sites: 1, ..Summary::default() };
    summary.calls = report.calls.iter().filter(|c| c.is_call()).count();
    summary.inline = report.calls.iter().filter(|c| c.inline).count();
    summary.listed = report.calls.iter().filter(|c| c.listed).count();
    summary.steps = report.calls.iter().filter(|c| c.takes_steps()).count();
    summary.one_store = summary.listed - summary.steps;
    summary.trampoline = summary.calls - summary.inline;
    summary.labels = report.labels.len();
    summary.trampolines = report.trampolines.len();
    summary
}

/// Returns the rows of a page: key, attributes, ground, shape and its place.
fn rows(tags: &[Tag]) -> Vec<(usize, &Tag, &str, &str, u64)> {
    let mut key = None;
    let mut rows = Vec::new();
    for (i, tag) in tags.iter().enumerate() {
        if tag.is("details", "key") {
            key = tag.get("data-key").and_then(|k| k.parse().ok());
        }
        if !tag.is("li", "row") {
            continue;
        }
        let inner = tags[i + 1..].iter().take_while(|t| t.depth > tag.depth);
        let uses: Vec<&Tag> = inner.filter(|t| t.name == "use").collect();
        let [ground, shape, ..] = *uses else { panic!("a drawing in each row") };
        let href = |tag: &Tag| tag.get("href").unwrap().trim_start_matches('#').to_owned();
        // Leaking is fine in a test.
        let (ground, name) = (href(ground).leak(), href(shape).leak());
        let x = shape.get("x").unwrap().parse().unwrap();
        rows.push((key.expect("in a key"), tag, &*ground, &*name, x));
    }
    rows
}

#[test]
fn every_call_is_drawn_once_at_its_place() {
    let report = report();
    let page = html(&report, "app");
    let tags = tags(&page);
    let rows = rows(&tags);
    assert_eq!(rows.len(), report.calls.len() + report.labels.len());
    for (index, _) in report.keys.iter().enumerate() {
        let calls = report
            .calls
            .iter()
            .filter(|c| c.key == index)
            .map(|c| (Drawn::call(c), c.kind.as_str(), c.grade.as_str(), c.reason.map(reason)));
        let labels = report.labels.iter().filter(|l| l.key == index);
        let labels = labels
            .map(|l| (Drawn::label(l), "label", if l.is_sound { "quad" } else { "none" }, None));
        let expected: Vec<_> = calls.chain(labels).collect();
        let of_key: Vec<_> = rows.iter().filter(|r| r.0 == index).collect();
        assert_eq!(of_key.len(), expected.len());
        for ((_, tag, ground, name, x), (drawn, kind, grade, reason)) in of_key.iter().zip(expected)
        {
            let Shape { path, length, displacement } = drawn.shape;
            assert_eq!(tag.get("data-kind"), Some(kind));
            assert_eq!(tag.get("data-grade"), Some(grade));
            assert_eq!(tag.get("data-path"), Some(path.word()));
            let update = (path == Path::Inline).then(|| {
                let end = drawn.address + u64::from(length);
                let is_cut = (end - 4) / QUADWORD != (end - 1) / QUADWORD;
                if is_cut { "steps" } else { "one-store" }
            });
            assert_eq!(tag.get("data-update"), update, "{:#x}", drawn.address);
            assert_eq!(tag.get("data-reason"), reason);
            assert_eq!(**name, format!("{}-{length}-{displacement}", path.word()));
            let offset = drawn.address % 64;
            let crosses = offset + u64::from(length) > 64;
            assert_eq!(*ground, if crosses { "lines" } else { "line" }, "{:#x}", drawn.address);
            assert_eq!(*x, (if crosses { offset - 32 } else { offset }) * UNIT);
        }
    }
    for call in &report.calls {
        let address = format!("<div class=\"what\"><code>{:#010x}</code>", call.address);
        assert_eq!(page.matches(&address).count(), 1, "{address}");
    }
}

#[test]
fn boundaries_are_drawn_at_their_bytes() {
    let page = html(&report(), "app");
    let tags = tags(&page);
    for (id, from) in [("line", 0), ("lines", 32)] {
        let at = tags.iter().position(|t| t.get("id") == Some(id)).unwrap();
        let inner = tags[at + 1..].iter().take_while(|t| t.depth > tags[at].depth);
        let boundaries: Vec<(u64, &str, &str)> = inner
            .filter_map(|t| Some((t.get("data-byte")?.parse().ok()?, t.get("class")?, t.get("d")?)))
            .collect();
        assert_eq!(boundaries.len(), 9);
        for (i, &(byte, class, path)) in boundaries.iter().enumerate() {
            assert_eq!(byte, from + 8 * i as u64);
            let expected = if byte % 64 == 0 {
                "b64"
            } else if byte % 32 == 0 {
                "b32"
            } else {
                "b8"
            };
            assert_eq!(class, expected);
            assert!(path.starts_with(&format!("M{} ", (byte - from) * UNIT)), "{path}");
        }
    }
    // Nine boundaries, each with the number of its byte.
    assert!(page.contains(">64 = 0</text>"));
}

#[test]
fn a_displacement_is_cut_where_its_grade_says_so() {
    for (length, address) in [5, 6].into_iter().flat_map(|l| (0..128).map(move |a| (l, a))) {
        let shape = Shape { path: Path::Inline, length, displacement: 4 };
        let drawn = Drawn { address, shape };
        let graded = grade_of(address, length - 4, length);
        assert_eq!(drawn.crossing().is_some(), graded.takes_steps(), "{address}");
        let mut text = String::new();
        drawn.write(&mut text).unwrap();
        assert_eq!(text.contains("#torn"), graded.takes_steps());
        let Some(boundary) = drawn.crossing() else { continue };
        assert_eq!(boundary % QUADWORD, 0);
        let first = address % CACHE_LINE + u64::from(length) - 4;
        assert!((first + 1..first + 4).contains(&boundary));
        let from = if text.contains("#lines") { 32 } else { 0 };
        assert!(text.contains(&format!("\"#torn\" x=\"{}\"", (boundary - from) * UNIT)), "{text}");
    }
}

#[test]
fn the_legend_matches_the_grades() {
    let grades = legend::examples().map(|d| {
        let graded = grade_of(d.address, 1, d.shape.length);
        assert_eq!(d.shape.path == Path::Inline, graded.is_patchable());
        graded.as_str()
    });
    assert_eq!(grades, ["quad", "disp", "line", "straddle"]);
    let page = html(&report(), "app");
    let (_, grades) = page.split_once("<dl class=\"grades\">").unwrap();
    let (grades, _) = grades.split_once("</dl>").unwrap();
    for (grade, says) in [
        ("quad", "One store retargets it, or replaces it"),
        ("disp", "One store retargets it."),
        ("line", "It is retargeted in steps"),
        ("straddle", "It is retargeted in steps"),
    ] {
        let (_, entry) = grades.split_once(&format!("\"grade\">{grade}<")).unwrap();
        let (entry, _) = entry.split_once("</div>").unwrap();
        let is_marked = entry.contains("<span class=\"path inline\">in steps</span>");
        assert!(entry.contains(says), "{grade}: {entry}");
        assert_eq!(is_marked, says.contains("in steps"), "{grade}: {entry}");
    }
    assert!(
        page.contains("AMD guarantees") && page.contains("one store inside one aligned quadword")
    );
}

#[test]
fn untrusted_text_stays_text() {
    let hostile =
        "</code></script><script>alert(1)</script><img src=x onerror='f()'>\"&`\u{202e}\0\n";
    let mut report = report();
    for key in &mut report.keys {
        (key.name, key.module) = (hostile.to_owned(), hostile.to_owned());
        (key.signature, key.source) = (hostile.to_owned(), source(hostile, 1));
    }
    for call in &mut report.calls {
        (call.function, call.source) = (Some(hostile.to_owned()), Some(source(hostile, 1)));
    }
    for label in &mut report.labels {
        label.function = Some(hostile.to_owned());
    }
    report.sites[0].source = source(hostile, 1);
    for finding in &mut report.findings {
        (finding.message, finding.source) = (hostile.to_owned(), Some(source(hostile, 1)));
    }
    let page = html(&report, hostile);
    let elements = tags(&page);
    assert!(elements.iter().all(|t| t.name != "img"));
    assert_eq!(elements.iter().filter(|t| t.name == "script").count(), 1);
    assert!(elements.iter().all(|t| t.attributes.iter().all(|(name, _)| !name.starts_with("on"))));
    assert!(page.contains("&lt;img src=x onerror=&#39;f()&#39;&gt;&quot;&amp;"));
    assert!(page.contains("\\u{202e}\\u{0} "));
    let allowed = |c: char| c == '\n' || !c.is_control();
    assert!(page.chars().all(|c| allowed(c) && c != '\u{202e}'));
    // The same elements as in the page of a harmless report.
    let mut plain = self::report();
    plain.findings.iter_mut().for_each(|f| f.message = "plain".to_owned());
    let names = |tags: &[Tag]| -> Vec<String> {
        tags.iter().map(|t| t.name.clone()).filter(|name| name != "wbr").collect()
    };
    assert_eq!(names(&elements), names(&tags(&html(&plain, "app"))));
}

#[test]
fn backquotes_make_code_in_pairs() {
    let prose = |text| escape::Prose(text).to_string();
    assert_eq!(prose("use `call!`, or `<x>`"), "use <code>call!</code>, or <code>&lt;x&gt;</code>");
    assert_eq!(prose("a single `"), "a single `");
    assert_eq!(prose("`a` and `"), "<code>a</code> and `");
}

#[test]
fn long_paths_are_wrapped_after_their_separators() {
    let place = |text| escape::Place(text).to_string();
    assert_eq!(place("src/a.rs:7:5"), "src/<wbr>a.rs:7:5");
    assert_eq!(place("a::b::c<d>"), "a::<wbr>b::<wbr>c&lt;d&gt;");
}

#[test]
fn nothing_is_loaded_and_every_reference_resolves() {
    let page = html(&report(), "app");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("@import"));
    let tags = tags(&page);
    let ids: Vec<&str> = tags.iter().filter_map(|t| t.get("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id is used twice");
    for tag in &tags {
        assert!(tag.get("src").is_none() && tag.name != "link", "{}", tag.name);
        for name in ["href", "aria-labelledby", "fill"] {
            let Some(value) = tag.get(name) else { continue };
            let target = value.trim_start_matches("url(").trim_end_matches(')');
            let target = target.strip_prefix('#').unwrap_or(target);
            assert!(target.contains('=') || ids.contains(&target), "{name}={value}");
        }
    }
    assert_eq!(page.matches("url(").count(), page.matches("url(#hatch)").count());
}

#[test]
fn every_row_and_link_can_be_filtered_for() {
    let page = html(&report(), "app");
    let tags = tags(&page);
    let options = |name: &str| -> BTreeSet<&str> {
        let at =
            tags.iter().position(|t| t.name == "select" && t.get("name") == Some(name)).unwrap();
        let inner = tags[at + 1..].iter().take_while(|t| t.depth > tags[at].depth);
        inner.filter_map(|t| t.get("value")).filter(|v| !v.is_empty()).collect()
    };
    for name in ["path", "update", "grade", "kind", "reason"] {
        let attribute = format!("data-{name}");
        let of_rows = tags.iter().filter(|t| t.is("li", "row")).filter_map(|t| t.get(&attribute));
        assert_eq!(of_rows.collect::<BTreeSet<_>>(), options(name));
    }
    assert_eq!(options("key"), ["0", "1"].into());
    let links = tags.iter().filter_map(|t| t.get("href")).filter_map(|h| h.split_once('='));
    for (name, value) in links {
        let is_drawn =
            name == "#text" && page.contains(&format!("<div class=\"what\"><code>{value}<"));
        let name = name.trim_start_matches('#');
        assert!(is_drawn || options(name).contains(value), "{name}={value}");
    }
}

#[test]
fn many_calls_are_folded_away_and_few_are_not() {
    let mut report = report();
    let is_open = |report: &Report| {
        let page = html(report, "app");
        let tags = tags(&page);
        tags.iter().filter(|t| t.is("details", "key")).all(|t| t.get("open").is_some())
    };
    assert!(!is_open(&report));
    report.calls.truncate(MOST_UNFOLDED - report.labels.len());
    assert!(is_open(&report));
}
