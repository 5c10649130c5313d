//! The guide: its pages are also rustdoc modules, and links work in both forms.

use std::fs;
use std::path::Path;

/// The most lines in a page, and columns in its prose.
const MAX_LINES: usize = 200;
const MAX_COLUMNS: usize = 100;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the definitions of links at the end of a page: `[Label]: destination`.
fn definitions(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
}

/// Returns whether the page has the link, whose label may span two lines.
fn is_used(text: &str, label: &str) -> bool {
    let defines = |line: &&str| line.starts_with('[') && line.contains("]: ");
    let lines: Vec<&str> = text.lines().filter(|line| !defines(line)).collect();
    lines.join(" ").contains(&format!("[{label}]"))
}

/// Returns the lines outside code and tables, which cannot be wrapped.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        is_code ^= fence;
        !is_code && !fence && !line.starts_with('|')
    })
}

/// Returns what is wrong with a page in `docs`.
fn complaints(text: &str, docs: &Path, labels: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (label, file) in definitions(text) {
        if !docs.join(file).exists() {
            complaints.push(format!("[{label}] leads nowhere: {file}"));
        }
        if !labels.contains(&label) {
            complaints.push(format!("[{label}] has no module in links.md"));
        }
        if !is_used(text, label) {
            complaints.push(format!("[{label}] is not used"));
        }
    }
    for label in labels {
        if is_used(text, label) && definitions(text).all(|(defined, _)| defined != *label) {
            complaints.push(format!("[{label}] has no file"));
        }
    }
    if text.contains("](") {
        complaints.push("a link is not defined at the end".into());
    }
    if text.lines().count() > MAX_LINES {
        complaints.push(format!("more than {MAX_LINES} lines"));
    }
    let long = prose(text).filter(|line| line.chars().count() > MAX_COLUMNS);
    complaints.extend(long.map(|line| format!("more than {MAX_COLUMNS} columns: {line}")));
    complaints
}

#[test]
fn pages_have_no_problems() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = root.join("docs");
    let modules = read(&root.join("static-call/src/guide/mod.rs"));
    let links = read(&root.join("static-call/src/guide/links.md"));
    let labels: Vec<&str> = definitions(&links).map(|(label, _)| label).collect();
    let pages: Vec<&str> = modules.split('"').filter(|name| name.ends_with(".md")).collect();
    let pages = pages.into_iter().filter(|name| !name.contains('/') && *name != "links.md");
    let index = read(&docs.join("README.md"));
    let mut count = 0;
    for page in pages {
        let found = complaints(&read(&docs.join(page)), &docs, &labels);
        assert_eq!(found, [""; 0], "{page}");
        assert!(index.contains(&format!("]: {page}\n")), "{page} is not in the index");
        count += 1;
    }
    assert!(count > 10, "{count} pages");
    assert_eq!(complaints(&index, &docs, &labels), [""; 0], "README.md");
}

#[test]
fn problems_of_a_page_are_found() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let wrong = |text: &str| complaints(text, &docs, &["FAQ"]).len();
    assert_eq!(wrong("See [FAQ].\n\n[FAQ]: faq.md\n"), 0);
    assert_eq!(wrong("See [FAQ].\n"), 1);
    assert_eq!(wrong("[FAQ]: faq.md\n"), 1);
    assert_eq!(wrong("See [FAQ].\n\n[FAQ]: nowhere.md\n"), 1);
    assert_eq!(wrong("See [Other].\n\n[Other]: faq.md\n"), 1);
    assert_eq!(wrong("See [this](faq.md).\n"), 1);
    assert_eq!(wrong(&"\n".repeat(MAX_LINES + 1)), 1);
    let long = "x".repeat(MAX_COLUMNS + 1);
    assert_eq!(wrong(&long), 1);
    assert_eq!(wrong(&format!("```\n{long}\n```\n| {long} |\n")), 0);
}
