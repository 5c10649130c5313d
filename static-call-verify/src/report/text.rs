//! The report as text: a table by key, the findings, and one line of numbers at the end.

use std::collections::BTreeMap;
use std::fmt;

use super::{Call, Grade, Kind, Label, Level, Report, Summary, TableState};

/// Most findings of one key that are printed below the table; the rest are counted.
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
            let inline = calls.iter().filter(|c| c.inline).count();
            let all = calls.iter().filter(|c| c.is_call()).count();
            writeln!(f, "{}  {inline} of {all} inline  {}", key.path(), key.source)?;
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

/// What stands above the line of numbers: the findings, and what the program will make of the table.
pub(crate) struct Notices<'r>(pub(crate) &'r Report);

impl fmt::Display for Notices<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        report.findings(f)?;
        match report.image.table {
            TableState::Absent | TableState::Stale => {}
            TableState::Empty { capacity } => writeln!(f, "table: empty, room for {capacity}")?,
            TableState::Filled { count, capacity } => {
                writeln!(f, "table: {count} entries, room for {capacity}")?;
            }
        }
        match report.image.table.why_unused() {
            Some(why) if report.summary.inline > 0 => {
                let inline = report.summary.inline;
                let calls = if inline == 1 { "call" } else { "calls" };
                writeln!(
                    f,
                    "{inline} {calls} could be inline: {why}, and the program keeps to the trampolines"
                )
            }
            _ => Ok(()),
        }
    }
}

impl Report {
    fn call(&self, f: &mut fmt::Formatter<'_>, call: &Call) -> fmt::Result {
        let path = if call.inline { "inline" } else { "trampoline" };
        let (kind, grade) = (kind(call.kind), grade(call.grade));
        write!(f, "  {:#010x}  {kind:<13} {grade:<8}  {path:<10}", call.address)?;
        match (&call.source, call.site.and_then(|s| self.sites.get(s))) {
            (_, Some(site)) => write!(f, "  {} (call!)", site.source)?,
            (Some(source), None) => write!(f, "  {source}")?,
            (None, None) => {
                if let Some(function) = &call.function {
                    write!(f, "  in {function}")?;
                }
            }
        }
        match call.reason {
            Some(reason) => writeln!(f, ": {reason}"),
            None => writeln!(f),
        }
    }

    fn label(&self, f: &mut fmt::Formatter<'_>, label: &Label) -> fmt::Result {
        let (path, grade) = if label.is_sound { ("inline", "quad") } else { ("alone", "-") };
        let kind = kind(Kind::Label);
        write!(f, "  {:#010x}  {kind:<13} {grade:<8}  {path:<10}", label.address)?;
        match label.site.and_then(|s| self.sites.get(s)) {
            Some(site) => writeln!(f, "  {} (call!)", site.source),
            None => writeln!(f),
        }
    }

    /// What asks for attention: notes on single calls stand in the table already.
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
        let about_image = |x: &&super::Finding| !loud(x.severity) && x.address.is_none();
        for finding in self.findings.iter().filter(about_image) {
            writeln!(f, "{finding}")?;
        }
        Ok(())
    }
}

/// A kind in words.
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
    /// `static-call: K keys, S sites, C calls: I inline, T trampoline, 0 indirect`, as in the
    /// runtime's report, and `; L jump labels` if there are any. Which calls go through the slot
    /// is known at run time alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, sites, calls, inline, trampoline, labels, .. } = self;
        write!(
            f,
            "static-call: {keys} keys, {sites} sites, {calls} calls: {inline} inline, {trampoline} \
             trampoline, 0 indirect"
        )?;
        match labels {
            0 => Ok(()),
            labels => write!(f, "; {labels} jump labels"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_inline_where_the_program_knows_of_them() {
        let mut report = Report::default();
        report.summary = Summary { calls: 3, inline: 2, trampoline: 1, ..Summary::default() };
        let mut lines = |table| {
            report.image.table = table;
            let text = report.to_string();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let last = "static-call: 0 keys, 0 sites, 3 calls: 2 inline, 1 trampoline, 0 indirect";
        let unused = |why: &str| {
            format!("2 calls could be inline: {why}, and the program keeps to the trampolines")
        };
        let filled = TableState::Filled { count: 3, capacity: 4 };
        assert_eq!(lines(filled), ["table: 3 entries, room for 4", last]);
        assert_eq!(lines(TableState::Absent), [&unused("the image has no table"), last]);
        assert_eq!(
            lines(TableState::Stale),
            [&unused("the table does not describe the image"), last]
        );
        let empty = ["table: empty, room for 4", &unused("the table is empty"), last];
        assert_eq!(lines(TableState::Empty { capacity: 4 }), empty);
    }
}
