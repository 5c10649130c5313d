//! Tests of the page's order, and of the meaning of its words.

use super::*;

#[test]
fn the_data_comes_before_the_legend() {
    let page = html(&report(), "app");
    let parts = ["<h1>", "class=\"verdict", "class=\"numbers", "id=\"why\"", "id=\"findings\""];
    let parts = parts.into_iter().chain(["id=\"keys\"", "class=\"row\"", "id=\"legend\""]);
    let places: Vec<usize> = parts.map(|p| page.find(p).expect(p)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.rfind("class=\"row\"") < page.find("id=\"legend\""));
    let (_, keys) = page.split_once("id=\"keys\"").unwrap();
    assert!(keys.find("href=\"#legend\"") < keys.find("class=\"row\""), "a way to the legend");
}

#[test]
fn without_drawings_there_is_no_legend() {
    let mut report = report();
    (report.calls, report.labels) = (vec![], vec![]);
    report.summary = summary(&report);
    let page = html(&report, "app");
    assert!(!page.contains("href=\"#legend"));
    assert!(!page.contains("id=\"legend\"") && !page.contains("<svg"));
    assert!(page.contains("Nothing in this image calls it.") && !page.contains("<form"));
}

/// `5 trampolines` means five trampolines. Calls that go through one are `not inline`.
#[test]
fn a_number_of_trampolines_never_counts_calls() {
    let report = report();
    let page = html(&report, "app");
    let words = words(&page);
    let number = |word: &String| word.parse::<usize>().ok();
    let mut trampolines = 0;
    for (i, word) in words.iter().enumerate() {
        if !word.starts_with("trampoline") || i < 3 {
            continue;
        }
        trampolines += number(&words[i - 1]).unwrap_or_default();
        let before = &words[i - 3..i - 1];
        assert!(before.iter().all(|w| number(w).is_none()), "{before:?} {word}");
    }
    assert_eq!(trampolines, report.trampolines.len(), "each counted once, at its key");
    assert!(page.contains("<dt>Trampolines</dt><dd>2, of eight bytes each</dd>"));
    let not_inline = report.summary.calls - report.summary.listed;
    assert!(page.contains(&format!("<b>{not_inline}</b> not inline, ")));
}

#[test]
fn what_to_do_is_said_once() {
    let page = html(&report(), "app");
    let words = words(&page).join(" ");
    let (_, table) = words.split_once("What is not inline, and why").unwrap();
    let (table, _) = table.split_once("| Findings |").unwrap();
    assert_eq!(table.matches("| As above |").count(), 1, "{table}");
    let fix = "| Move the call out of hand-written assembly into ";
    assert_eq!(table.matches(fix).count(), 1, "{table}");
}

#[test]
fn a_table_is_a_table_for_every_reader() {
    let page = html(&report(), "app");
    let tags = tags(&page);
    let at = tags.iter().position(|t| t.name == "table").expect("reasons");
    assert_eq!(tags[at + 1].name, "caption");
    // Narrow pages show cells as blocks, which makes some browsers forget that they are cells.
    let roles =
        [("table", "table"), ("tr", "row"), ("th", "columnheader"), ("td", "cell")].into_iter();
    for (name, role) in roles {
        assert!(tags.iter().filter(|t| t.name == name).all(|t| t.get("role") == Some(role)));
    }
    let headings = tags.iter().filter_map(|t| t.name.strip_prefix('h')?.parse::<u8>().ok());
    let headings: Vec<u8> = headings.collect();
    assert_eq!(headings.iter().filter(|&&h| h == 1).count(), 1);
    assert!(headings.windows(2).all(|w| w[1] <= w[0] + 1), "no level is skipped: {headings:?}");
}

#[test]
fn filters_with_one_option_are_hidden() {
    let mut report = report();
    report.calls.retain(|c| c.listed && c.kind == Kind::Call && c.grade == Grade::Quad);
    report.calls.truncate(1);
    (report.labels, report.keys) = (vec![], vec![key("encode")]);
    report.summary = summary(&report);
    let hidden = |page: &str| page.matches("<label hidden>").count();
    assert_eq!(hidden(&html(&report, "app")), 6);
    assert_eq!(hidden(&html(&self::report(), "app")), 0);
}
