//! The report as text: a table by key, the findings, and a summary line at the end.

use std::collections::BTreeMap;
use std::fmt;

use crate::policy::Level;
use crate::report::{Call, Finding, Grade, Kind, Label, Report, Summary, TableState};

/// Maximum number of findings of one key that are printed below the table. The rest are counted.
const MOST_OF_A_KEY: usize = 8;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut calls_of: Vec<Vec<&Call>> = vec![Vec::new(); self.keys.len()];
        for call in &self.calls {
            if let Some(calls) = calls_of.get_mut(call.key) {
                calls.push(call);
            }
        }
        let mut labels_of: Vec<Vec<&Label>> = vec![Vec::new(); self.keys.len()];
        for label in &self.labels {
            if let Some(labels) = labels_of.get_mut(label.key) {
                labels.push(label);
            }
        }
        for ((key, calls), labels) in self.keys.iter().zip(calls_of).zip(labels_of) {
            let ratio = Ratio::of(calls.iter().copied(), labels.iter().copied());
            writeln!(f, "{}  {ratio}  {}", key.path(), key.source)?;
            for call in calls {
                self.call(f, call)?;
            }
            for label in labels {
                self.label(f, label)?;
            }
        }
        write!(f, "{}{}", Notices(self), self.summary)
    }
}

/// `1 call`, `2 calls`.
pub(super) struct Count<'w>(pub(super) usize, pub(super) &'w str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, word) = self;
        write!(f, "{count} {word}{}", if *count == 1 { "" } else { "s" })
    }
}

/// How many of the calls and of the jump labels are inline, and how many of these calls are
/// retargeted in steps. Other uses, such as an address in a register, are neither.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ratio {
    pub(super) inline: usize,
    pub(super) steps: usize,
    pub(super) calls: usize,
    pub(super) labels_inline: usize,
    pub(super) labels: usize,
    pub(super) others: usize,
}

impl Ratio {
    pub(super) fn of<'r>(
        calls: impl IntoIterator<Item = &'r Call>,
        labels: impl IntoIterator<Item = &'r Label>,
    ) -> Self {
        let mut ratio = Self::default();
        for call in calls {
            ratio.inline += usize::from(call.listed);
            ratio.steps += usize::from(call.takes_steps());
            ratio.calls += usize::from(call.is_call());
            ratio.others += usize::from(!call.is_call());
        }
        for label in labels {
            ratio.labels_inline += usize::from(label.is_sound);
            ratio.labels += 1;
        }
        ratio
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inline, steps, calls, labels_inline, labels, others } = *self;
        match calls {
            0 => f.write_str("no calls")?,
            _ => write!(f, "{inline} of {} inline{}", Count(calls, "call"), InSteps(steps))?,
        }
        if labels > 0 {
            write!(f, ", {labels_inline} of {} inline", Count(labels, "jump label"))?;
        }
        match others {
            0 => Ok(()),
            _ => write!(f, ", {} of the trampoline", Count(others, "other use")),
        }
    }
}

/// ` (3 in steps)`, or nothing.
pub(super) struct InSteps(pub(super) usize);

impl fmt::Display for InSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} in steps)"),
        }
    }
}

/// The lines above the summary: the findings, and how the program will use the table.
pub(crate) struct Notices<'r>(pub(crate) &'r Report);

impl fmt::Display for Notices<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        report.findings(f)?;
        match report.sites.iter().filter(|site| site.key.is_none()).count() {
            0 => {}
            dead => writeln!(f, "{dead} call! of the source left no code in the image")?,
        }
        match report.image.table {
            TableState::Absent | TableState::Stale | TableState::Unread => {}
            TableState::Empty { capacity } => writeln!(f, "table: empty, room for {capacity}")?,
            TableState::Filled { count, capacity } => {
                writeln!(f, "table: {count} entries, room for {capacity}")?;
            }
        }
        if report.summary.bound > 0 {
            let (bound, keys) = (report.summary.bound, Count(report.summary.keys, "key"));
            writeln!(
                f,
                "bound: the calls of {bound} of {keys} lead to their defaults in the file"
            )?;
        }
        let unused = report.summary.inline.saturating_sub(report.summary.listed);
        match report.image.table.why_unused() {
            Some(why) if unused > 0 => {
                let calls = Count(unused, "call");
                writeln!(
                    f,
                    "{calls} could be inline, but {why}, so the program uses the trampolines"
                )
            }
            _ => Ok(()),
        }
    }
}

impl Report {
    fn call(&self, f: &mut fmt::Formatter<'_>, call: &Call) -> fmt::Result {
        let path = match (call.listed, call.takes_steps()) {
            (true, false) => "inline",
            (true, true) => "inline, steps",
            (false, _) => "trampoline",
        };
        let (kind, grade) = (kind(call.kind), grade(call.grade));
        write!(f, "  {:#010x}  {kind:<13} {grade:<8}  {path:<13}", call.address)?;
        match (&call.source, &call.function) {
            (Some(source), _) => {
                let site = if call.site.is_some() { " (call!)" } else { "" };
                write!(f, "  {source}{site}")?;
            }
            (None, Some(function)) => write!(f, "  in {function}")?,
            (None, None) => {}
        }
        match self.reason(call) {
            Some(reason) => writeln!(f, ": {reason}"),
            None => writeln!(f),
        }
    }

    fn label(&self, f: &mut fmt::Formatter<'_>, label: &Label) -> fmt::Result {
        let (path, grade) = if label.is_sound { ("inline", "quad") } else { ("alone", "-") };
        let kind = kind(Kind::Label);
        write!(f, "  {:#010x}  {kind:<13} {grade:<8}  {path:<13}", label.address)?;
        match (label.site.and_then(|s| self.sites.get(s)), &label.function) {
            (Some(site), _) => writeln!(f, "  {} (call!)", site.source),
            (None, Some(function)) => writeln!(f, "  in {function}"),
            (None, None) => writeln!(f),
        }
    }

    /// Writes the findings that need attention. Notes about single calls are already in the table.
    fn findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = BTreeMap::new();
        let loud = |level| level > Level::Note;
        for finding in self.findings.iter().filter(|x| loud(x.severity)) {
            let count = shown.entry(finding.key).or_insert(0usize);
            *count += 1;
            if *count <= MOST_OF_A_KEY {
                writeln!(f, "{finding}")?;
            }
        }
        for (key, count) in shown.into_iter().filter(|&(_, n)| n > MOST_OF_A_KEY) {
            writeln!(f, "{key}: {} more", count - MOST_OF_A_KEY)?;
        }
        let about_image = |x: &&Finding| !loud(x.severity) && x.address.is_none();
        for finding in self.findings.iter().filter(about_image) {
            writeln!(f, "{finding}")?;
        }
        Ok(())
    }
}

/// Returns a kind in words.
fn kind(kind: Kind) -> String {
    kind.as_str().replace('-', " ")
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::None => "-",
        _ => grade.as_str(),
    }
}

impl fmt::Display for Summary {
    /// Writes `static-call: K keys, S sites, C calls: I inline, T trampoline, X indirect`, like the
    /// last line of the program's report, which has the same numbers once everything is bound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, sites, calls, listed, labels, labels_inline, .. } = self;
        let trampoline = calls.saturating_sub(*listed);
        let indirect = labels.saturating_sub(*labels_inline);
        write!(
            f,
            "static-call: {}, {}, {}: {} inline, {trampoline} trampoline, {indirect} indirect",
            Count(*keys, "key"),
            Count(*sites, "site"),
            Count(self.all_calls(), "call"),
            self.all_inline(),
        )
    }
}

/// A build's line about an image: `7 of 12 calls inline (3 in steps), 5 on trampolines`.
pub(crate) struct BuildLine<'s>(pub(crate) &'s Summary);

impl fmt::Display for BuildLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, inline) = (self.0.all_calls(), self.0.all_inline());
        write!(f, "{inline} of {} inline{}", Count(calls, "call"), InSteps(self.0.steps))?;
        match calls.saturating_sub(inline) {
            0 => Ok(()),
            1 => f.write_str(", 1 on its trampoline"),
            rest => write!(f, ", {rest} on trampolines"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Site, Source};

    #[test]
    fn uses_that_are_not_calls_are_counted_separately() {
        let text = |inline, calls, labels_inline, labels, others| {
            Ratio { inline, steps: 0, calls, labels_inline, labels, others }.to_string()
        };
        assert_eq!(text(0, 0, 1, 1, 0), "no calls, 1 of 1 jump label inline");
        assert_eq!(text(1, 1, 0, 0, 1), "1 of 1 call inline, 1 other use of the trampoline");
        assert_eq!(text(0, 0, 0, 0, 2), "no calls, 2 other uses of the trampoline");
        assert_eq!(text(2, 3, 1, 2, 0), "2 of 3 calls inline, 1 of 2 jump labels inline");
        let steps = Ratio { inline: 2, steps: 1, calls: 3, labels: 1, ..Ratio::default() };
        let line = "2 of 3 calls inline (1 in steps), 0 of 1 jump label inline";
        assert_eq!(steps.to_string(), line);
        let summary = Summary { labels: 3, labels_inline: 2, ..Summary::default() };
        let line = "static-call: 0 keys, 0 sites, 3 calls: 2 inline, 0 trampoline, 1 indirect";
        assert_eq!(summary.to_string(), line);
    }

    #[test]
    fn dead_sites_are_counted_in_the_same_words_as_the_program() {
        let site = |key| Site { address: 0, id: None, source: Source::default(), key };
        let sites = [Some(0), None, None].map(site).into();
        let report = Report { sites, ..Report::default() };
        let text = Notices(&report).to_string();
        assert_eq!(text, "2 call! of the source left no code in the image\n");
    }

    #[test]
    fn bound_keys_are_counted() {
        let summary = Summary { keys: 3, bound: 2, ..Summary::default() };
        let text = Notices(&Report { summary, ..Report::default() }).to_string();
        assert_eq!(text, "bound: the calls of 2 of 3 keys lead to their defaults in the file\n");
    }

    #[test]
    fn the_line_of_a_build() {
        let line = |calls, listed, steps, labels| {
            let labels_inline = labels;
            let summary =
                Summary { calls, listed, steps, labels, labels_inline, ..Summary::default() };
            BuildLine(&summary).to_string()
        };
        assert_eq!(line(11, 6, 0, 1), "7 of 12 calls inline, 5 on trampolines");
        assert_eq!(line(2, 1, 1, 0), "1 of 2 calls inline (1 in steps), 1 on its trampoline");
        assert_eq!(line(1, 1, 0, 0), "1 of 1 call inline");
    }

    #[test]
    fn calls_are_inline_if_the_program_knows_them() {
        let summary = Summary { calls: 3, inline: 2, trampoline: 1, ..Summary::default() };
        let mut report = Report { summary, ..Report::default() };
        let mut lines = |table, listed| {
            report.image.table = table;
            report.summary.listed = listed;
            let text = report.to_string();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let last = |inline: usize| {
            let rest = 3 - inline;
            format!(
                "static-call: 0 keys, 0 sites, 3 calls: {inline} inline, {rest} trampoline, \
                 0 indirect"
            )
        };
        let unused = |calls: &str, why: &str| {
            format!("{calls} could be inline, but {why}, so the program uses the trampolines")
        };
        let filled = TableState::Filled { count: 3, capacity: 4 };
        assert_eq!(lines(filled, 2), ["table: 3 entries, room for 4", &last(2)]);
        let absent = unused("2 calls", "the image has no table");
        assert_eq!(lines(TableState::Absent, 0), [absent, last(0)]);
        let stale = "the table does not match the image";
        assert_eq!(lines(TableState::Stale, 0), [unused("2 calls", stale), last(0)]);
        assert_eq!(lines(TableState::Stale, 1), [unused("1 call", stale), last(1)]);
        let empty = unused("2 calls", "the table is empty");
        let expected = ["table: empty, room for 4".to_owned(), empty, last(0)];
        assert_eq!(lines(TableState::Empty { capacity: 4 }, 0), expected);
    }
}
