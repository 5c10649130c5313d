//! A unified diff of a small text.

use anstyle::AnsiColor;

use crate::cli::output::{heading, paint};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A line of both texts, or of only the old or the new one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'t> {
    Both(&'t str),
    Old(&'t str),
    New(&'t str),
}

/// Returns the diff of a file, coloured; nothing if nothing changed.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    let lines = align(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let is_change = |line: &Line<'_>| !matches!(line, Line::Both(_));
    if !lines.iter().any(is_change) {
        return String::new();
    }
    let old = if before.is_empty() { "/dev/null" } else { name };
    let mut text = paint(heading(), &format!("--- {old}")) + "\n";
    text += &(paint(heading(), &format!("+++ {name}")) + "\n");
    let mut at = 0;
    while let Some(first) = lines[at..].iter().position(is_change).map(|n| at + n) {
        // A hunk continues while the next change is near.
        let mut end = first + 1;
        while let Some(next) = lines[end..].iter().position(is_change).filter(|n| *n <= 2 * CONTEXT)
        {
            end += next + 1;
        }
        let hunk = first.saturating_sub(CONTEXT).max(at)..lines.len().min(end + CONTEXT);
        text += &head(&lines, &hunk);
        for line in &lines[hunk.clone()] {
            text += &match line {
                Line::Both(line) => format!(" {line}"),
                Line::Old(line) => paint(AnsiColor::Red.on_default(), &format!("-{line}")),
                Line::New(line) => paint(AnsiColor::Green.on_default(), &format!("+{line}")),
            };
            text.push('\n');
        }
        at = hunk.end;
    }
    text
}

/// Returns the head of a hunk: `@@ -1,2 +1,6 @@`.
fn head(lines: &[Line<'_>], hunk: &std::ops::Range<usize>) -> String {
    let count =
        |range: &[Line<'_>], is: fn(&Line<'_>) -> bool| range.iter().filter(|l| is(l)).count();
    let old = |line: &Line<'_>| !matches!(line, Line::New(_));
    let new = |line: &Line<'_>| !matches!(line, Line::Old(_));
    let part = |is| {
        let (before, within) = (count(&lines[..hunk.start], is), count(&lines[hunk.clone()], is));
        format!("{},{within}", before + usize::from(within > 0))
    };
    paint(AnsiColor::Cyan.on_default(), &format!("@@ -{} +{} @@", part(old), part(new))) + "\n"
}

/// Aligns the lines of two texts along their longest common subsequence.
fn align<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Both(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            lines.push(Line::Old(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&unified("f", before, after)).to_string()
    }

    #[test]
    fn hunks_have_context_and_numbers() {
        assert_eq!(plain("a\n", "a\n"), "");
        assert_eq!(plain("", "a\nb\n"), "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(
            plain("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nnew\n6\n"),
            "--- f\n+++ f\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+new\n 6\n"
        );
        let many: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        let mut changed = many.clone();
        changed[2] = "x".into();
        changed.insert(20, "y".into());
        let diff = plain(&many.join("\n"), &changed.join("\n"));
        assert!(
            diff.contains("@@ -1,6 +1,6 @@\n") && diff.contains("@@ -18,6 +18,7 @@\n"),
            "{diff}"
        );
    }
}
