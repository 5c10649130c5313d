//! The tables of `cargo static-call report`: by key and by source file.

use std::collections::BTreeMap;

use super::output::{bad, coloured, good, heading, paint};
use crate::render::text::Notices;
use crate::report::{Call, Grade, Report};

/// The numbers of a row.
#[derive(Clone, Copy, Default)]
struct Row {
    calls: usize,
    inline: usize,
    grades: [usize; 4],
    /// Calls that are inline and retargeted in steps.
    steps: usize,
    /// Addresses in registers, code and data, which are not calls.
    others: usize,
    labels: usize,
}

impl Row {
    fn add(&mut self, call: &Call) {
        if !call.is_call() {
            self.others += 1;
            return;
        }
        self.calls += 1;
        self.inline += usize::from(call.listed);
        self.steps += usize::from(call.takes_steps());
        let grades = [Grade::Quad, Grade::Disp, Grade::Line, Grade::Straddle];
        if let Some(at) = grades.iter().position(|grade| *grade == call.grade) {
            self.grades[at] += 1;
        }
    }

    fn numbers(&self) -> [usize; COLUMNS] {
        let Self { calls, inline, grades, steps, others, labels } = *self;
        let [quad, disp, line, straddle] = grades;
        [calls, inline, calls - inline, quad, disp, line, straddle, steps, others, labels]
    }
}

const COLUMNS: usize = 10;
/// The columns from here on, for addresses and labels, appear only if there are any.
const OPTIONAL: usize = 8;
const HEADS: [&str; COLUMNS] = [
    "calls",
    "inline",
    "trampoline",
    "quad",
    "disp",
    "line",
    "straddle",
    "steps",
    "address",
    "label",
];

/// Returns both tables, the counts of reasons why calls stay on their trampolines, the findings,
/// and the summary line.
pub(super) fn tables(report: &Report) -> String {
    let mut by_key: BTreeMap<String, Row> =
        report.keys.iter().map(|key| (key.path(), Row::default())).collect();
    let mut by_file: BTreeMap<String, Row> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let key = |index: usize| report.keys.get(index).map(|key| key.path()).unwrap_or_default();
    let unknown = || "(unknown)".to_owned();
    for call in &report.calls {
        by_key.entry(key(call.key)).or_default().add(call);
        let file = call.source.as_ref().map_or_else(unknown, |source| source.file.clone());
        by_file.entry(file).or_default().add(call);
        if let Some(reason) = report.reason(call) {
            *reasons.entry(reason.to_string()).or_default() += 1;
        }
    }
    for label in &report.labels {
        by_key.entry(key(label.key)).or_default().labels += 1;
        let site = label.site.and_then(|site| report.sites.get(site));
        let file = site.map_or_else(unknown, |site| site.source.file.clone());
        by_file.entry(file).or_default().labels += 1;
    }
    let mut text = String::new();
    if !by_key.is_empty() {
        text += &table("key", &by_key);
        text += &table("source file", &by_file);
    }
    if !reasons.is_empty() {
        text += &format!("{}\n", paint(heading(), "why not inline"));
        for (reason, count) in reasons {
            text += &format!("{count:>8} x {reason}\n");
        }
        text.push('\n');
    }
    text += &coloured(&Notices(report).to_string());
    text + &format!("{}\n", paint(heading(), &report.summary.to_string()))
}

fn table(title: &str, rows: &BTreeMap<String, Row>) -> String {
    let all: Vec<(&str, [usize; COLUMNS])> =
        rows.iter().map(|(name, row)| (name.as_str(), row.numbers())).collect();
    let has = |i: usize| all.iter().any(|(_, numbers)| numbers[i] != 0);
    let shown: Vec<usize> = (0..COLUMNS).filter(|&i| i < OPTIONAL || has(i)).collect();
    let names = all.iter().map(|(name, _)| name.chars().count());
    let width = names.chain([title.len()]).max().unwrap_or_default();
    let head: String =
        shown.iter().map(|&i| format!("  {:>1$}", HEADS[i], HEADS[i].len().max(6))).collect();
    let mut text = format!("{}\n", paint(heading(), &format!("{title:<width$}{head}")));
    for (name, numbers) in all {
        text += &format!("{name:<width$}");
        for &i in &shown {
            let number = format!("  {:>1$}", numbers[i], HEADS[i].len().max(6));
            text += &match i {
                1 if numbers[i] > 0 => paint(good(), &number),
                2 if numbers[i] > 0 => paint(bad(), &number),
                _ => number,
            };
        }
        text.push('\n');
    }
    text + "\n"
}
