//! Lines of code and prose have at most 100 columns.

use super::{File, broken, hold};

const MAX_COLUMNS: usize = 100;

/// Files whose lines are not checked because programs write them, and which programs.
const WRITTEN: &[(&str, &str)] = &[
    ("measurements/", "by tasks with `--bless`, and by `cargo static-call probe`"),
    ("fuzz/corpus/", "by the fuzzer"),
];

fn columns(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| is_checked(&file.path)) {
        let mut is_output = false;
        for (i, line) in file.text.lines().enumerate() {
            // The output of programs is not wrapped.
            is_output = line == "```console" || is_output && line != "```";
            if is_output {
                continue;
            }
            let width = line.chars().count();
            if width > MAX_COLUMNS && !is_excused(line) {
                let place = format!("{}:{}", file.path, i + 1);
                complaints.push(format!("{place}: {width} columns, more than {MAX_COLUMNS}"));
            }
        }
    }
    complaints
}

fn is_checked(path: &str) -> bool {
    let is_text = [".rs", ".md", ".toml", ".sh"].iter().any(|end| path.ends_with(end));
    let is_script = path.starts_with(".ci/");
    let mut excused = WRITTEN.iter().map(|(prefix, _)| prefix);
    (is_text || is_script) && !excused.any(|prefix| path.starts_with(prefix))
}

/// Returns whether a line cannot be wrapped: a table row, in a document, a documentation comment or
/// a string that becomes one, or a line that is only long because of an address.
fn is_excused(line: &str) -> bool {
    let rows = ["//! |", "/// |", "\"| "];
    let is_row = line.starts_with('|') || rows.iter().any(|row| line.trim_start().starts_with(row));
    let words = line.split_whitespace();
    let addresses: usize = words.filter(|w| w.contains("://")).map(|w| w.chars().count()).sum();
    is_row || line.chars().count() - addresses <= MAX_COLUMNS && addresses > 0
}

#[test]
fn lines_are_short() {
    hold(columns);
    let (fits, long) = ("x".repeat(MAX_COLUMNS), "ä".repeat(MAX_COLUMNS + 1));
    for path in ["xtask/src/a.rs", "CONTRIBUTING.md", "Cargo.toml", "a.sh", ".ci/run"] {
        broken(columns, path, &fits, 0);
        broken(columns, path, &format!("{fits}\n{long}\n"), 1);
        broken(columns, path, &format!("// {long}"), 1);
    }
    for path in ["measurements/a.md", "a.txt", "a.json"] {
        broken(columns, path, &long, 0);
    }
    broken(columns, "a.md", &format!("```console\n{long}\n```\n{long}\n"), 1);
    broken(columns, "a.md", &format!("```text\n{long}\n```\n"), 1);
    broken(columns, "a.md", &format!("| {long} |"), 0);
    broken(columns, "a.rs", &format!("    \"| {long} |\\n\\"), 0);
    broken(columns, "a.rs", &format!("//! | {long} |"), 0);
    broken(columns, "a.rs", &format!("    /// | {long} |"), 0);
    broken(columns, "a.md", &format!("see https://docs.rs/{long}"), 0);
    broken(columns, "a.md", &format!("see https://docs.rs {long}"), 1);
}

#[test]
fn excuses_are_needed() {
    let files = super::files();
    // The corpus lies only where somebody ran the fuzzer.
    for prefix in WRITTEN.iter().map(|(prefix, _)| prefix).filter(|p| !p.starts_with("fuzz/")) {
        assert!(files.iter().any(|file| file.path.starts_with(prefix)), "{prefix} is not there");
    }
}
