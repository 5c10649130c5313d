//! Prints the probe's table and verdict as text and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};
use static_call::Grade;
use static_call::probe::{Counts, Experiment, Way};

use super::sentence::sentence;
use super::verdict::{Row, Verdict, in_steps, of_grade, steps, steps_without_barriers, upper95};
use super::words::{
    boundary_name, change_name, change_words, grade_name, pace_name, place, split_words,
};

/// Version of the JSON.
const FORMAT: u32 = 1;
const GRADES: [Grade; 4] = [Grade::Quad, Grade::Disp, Grade::Line, Grade::Straddle];

/// What follows from seeing no tear, and what does not.
const NO_PROMISE: &str = "\
Seeing no tear guarantees nothing: another processor, or this one on another day, may differ. AMD
guarantees (APM volume 2, 7.6.1) that an instruction fetch on another processor sees all or nothing
of one store that lies inside a naturally aligned quadword, and nothing beyond that. Intel
guarantees single-copy atomicity of such a store (SDM volume 3, \"Guaranteed Atomic Operations\");
for code that another processor executes it only describes a synchronising algorithm. The runtime
stores only inside aligned quadwords, whatever this table says.
";

pub(super) fn text(rows: &[Row], processor: &str, date: &str) -> String {
    let mut text = format!("{processor}\n{date}\n\n");
    line(
        &mut text,
        ["where the instruction lies", "writer", "change", "calls", "writes", "torn"],
        "torn per call",
    );
    for row in rows.iter().filter(|row| !in_steps(row)) {
        let Experiment { boundary, pace, change, .. } = row.experiment;
        let counts = row.counts;
        let cells = [
            place(boundary),
            pace_name(pace),
            change_words(change),
            &counts.calls.to_string(),
            &counts.writes.to_string(),
            &counts.torn.to_string(),
        ];
        line(&mut text, cells, &rate(counts));
    }
    text.push('\n');
    table_of_steps(&mut text, rows);
    text.push('\n');
    summary(&mut text, rows);
    let _ = write!(text, "\nVerdict: {}\n\n{NO_PROMISE}", sentence(rows));
    text
}

fn line(text: &mut String, cells: [&str; 6], rate: &str) {
    let [place, pace, change, calls, writes, torn] = cells;
    let _ = writeln!(
        text,
        "{place:<49} {pace:<9} {change:<21} {calls:>11} {writes:>11} {torn:>9}  {rate}"
    );
}

/// Prints the rows in which the call is retargeted in steps, with barriers and without.
fn table_of_steps(text: &mut String, rows: &[Row]) {
    let mut line = |cells: [&str; 7], rate: &str| {
        let [place, pace, split, calls, writes, veneers, torn] = cells;
        let _ = writeln!(
            text,
            "{place:<49} {pace:<9} {split:<21} {calls:>11} {writes:>11} {veneers:>11} {torn:>9}  \
             {rate}"
        );
    };
    let heads =
        ["call retargeted in steps", "writer", "split", "calls", "writes", "veneers", "torn"];
    line(heads, "torn per call");
    for row in rows {
        let (split, barriers) = match row.experiment.way {
            Way::OneStore => continue,
            Way::Steps(split) => (split, ""),
            Way::StepsWithoutBarriers(split) => (split, ", no barriers"),
        };
        let counts = row.counts;
        let cells = [
            place(row.experiment.boundary),
            pace_name(row.experiment.pace),
            &(split_words(split) + barriers),
            &counts.calls.to_string(),
            &counts.writes.to_string(),
            &counts.veneers.to_string(),
            &counts.torn.to_string(),
        ];
        let rate = match row.unavailable {
            Some(unavailable) => format!("not measured: {unavailable}"),
            None if !row.experiment.is_default() && counts.torn == 0 && counts.calls > 0 => {
                format!("{}: not shown in this time", rate(counts))
            }
            None => rate(counts),
        };
        line(cells, &rate);
    }
}

fn summary(text: &mut String, rows: &[Row]) {
    let by_store = |grade: Grade| {
        let is_made = !grade.takes_steps();
        (format!("{}, by one store", grade_name(grade)), is_made, of_grade(rows, grade))
    };
    let in_steps = [
        ("in steps".to_owned(), true, steps(rows)),
        ("in steps, no barriers".to_owned(), false, steps_without_barriers(rows)),
    ];
    for (what, is_made, counts) in GRADES.map(by_store).into_iter().chain(in_steps) {
        let word = if is_made { "the runtime does it" } else { "it never does" };
        let tears = if counts.torn == 1 { "tear" } else { "tears" };
        let Counts { calls, torn, .. } = counts;
        let _ = writeln!(
            text,
            "{what:<23} {word:<20} {torn} {tears} in {calls} calls: {}",
            rate(counts)
        );
    }
}

pub(super) fn json(rows: &[Row], processor: &str, date: &str) -> String {
    let numbers = |counts: Counts| {
        json!({
            "calls": counts.calls,
            "writes": counts.writes,
            "torn": counts.torn,
            "upper95": upper95(counts),
        })
    };
    let with = |mut value: Value, fields: Value| {
        if let (Some(value), Value::Object(fields)) = (value.as_object_mut(), fields) {
            value.extend(fields);
        }
        value
    };
    let row = |row: &Row| {
        let Experiment { boundary, pace, change, .. } = row.experiment;
        let fields = json!({
            "boundary": boundary_name(boundary),
            "grade": grade_name(boundary.grade()),
            "writer": pace_name(pace),
            "change": change_name(change),
        });
        with(numbers(row.counts), fields)
    };
    let row_of_steps = |row: &Row| {
        let (split, has_barriers) = match row.experiment.way {
            Way::OneStore => return None,
            Way::Steps(split) => (split, true),
            Way::StepsWithoutBarriers(split) => (split, false),
        };
        let fields = json!({
            "boundary": boundary_name(row.experiment.boundary),
            "split": split.before(),
            "writer": pace_name(row.experiment.pace),
            "barriers": has_barriers,
            "veneers": row.counts.veneers,
            "unavailable": row.unavailable.map(|reason| reason.to_string()),
        });
        Some(with(numbers(row.counts), fields))
    };
    let grade = |grade: Grade| {
        let fields = json!({
            "grade": grade_name(grade),
            "rewritten": !grade.takes_steps(),
        });
        with(numbers(of_grade(rows, grade)), fields)
    };
    let value = json!({
        "format": FORMAT,
        "processor": processor,
        "date": date,
        "rows": rows.iter().filter(|row| !in_steps(row)).map(row).collect::<Vec<_>>(),
        "grades": GRADES.map(grade),
        "steps": rows.iter().filter_map(row_of_steps).collect::<Vec<_>>(),
        "verdict": Verdict::of(rows).name(),
        "explanation": sentence(rows),
    });
    format!("{value:#}\n")
}

/// Returns the tears per call, or the bound if none was seen.
fn rate(counts: Counts) -> String {
    match (counts.torn, upper95(counts)) {
        (_, None) => "not measured".to_owned(),
        (0, Some(bound)) => format!("< {bound:.1e} (95 %)"),
        (torn, Some(_)) => {
            let every = counts.calls as f64 / torn as f64;
            let digits = usize::from(every < 10.0);
            format!("1 in {every:.digits$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use static_call::probe::Unavailable;

    use super::*;

    fn rows(torn: impl Fn(&Experiment) -> u64) -> Vec<Row> {
        let row = |experiment: Experiment| {
            let veneers = if experiment.way == Way::OneStore { 0 } else { 7 };
            let torn = torn(&experiment);
            let counts = Counts { calls: 1_000_000, writes: 500, veneers, torn };
            Row { counts, ..Row::new(experiment) }
        };
        Experiment::all().into_iter().map(row).collect()
    }

    #[test]
    fn every_row_is_a_line() {
        let mut rows = rows(|e| if e.is_control() { 5 } else { 0 });
        let printed = text(&rows, "P", "D");
        let lines = printed.lines().filter(|l| l.contains(" hammering ") || l.contains(" paced "));
        assert_eq!(lines.count(), rows.len(), "{printed}");
        assert!(printed.contains("guarantees nothing") && printed.contains("7.6.1"), "{printed}");
        let not_shown = printed.lines().filter(|l| l.ends_with(": not shown in this time"));
        assert_eq!(not_shown.count(), 30, "{printed}");
        let barriers = "in steps                the runtime does it  0 tears in 30000000 calls";
        assert!(printed.contains(barriers), "{printed}");
        for row in rows.iter_mut().filter(|r| matches!(r.experiment.way, Way::Steps(_))) {
            row.unavailable = Some(Unavailable::Barrier { errno: 38 });
        }
        let printed = text(&rows, "P", "D");
        let refused =
            printed.lines().filter(|l| l.contains("not measured: no barrier (membarrier"));
        assert_eq!(refused.count(), 30, "{printed}");
    }

    #[test]
    fn rates_have_bounds() {
        let counts = |calls, torn| Counts { calls, torn, ..Counts::default() };
        assert_eq!(rate(counts(0, 0)), "not measured");
        assert_eq!(rate(counts(3_000_000, 0)), "< 1.0e-6 (95 %)");
        assert_eq!(rate(counts(100_000, 2)), "1 in 50000");
        assert_eq!(rate(counts(1_000, 700)), "1 in 1.4");
    }

    #[test]
    fn json_has_its_fields() {
        let rows = rows(|e| if e.is_control() { 5 } else { 0 });
        let value: Value = serde_json::from_str(&json(&rows, "P", "2026-01-01")).unwrap();
        assert_eq!(value["format"], FORMAT);
        assert_eq!((&value["processor"], &value["date"]), (&json!("P"), &json!("2026-01-01")));
        assert_eq!(value["verdict"], "agrees");
        assert_eq!(value["grades"].as_array().map(Vec::len), Some(4));
        assert_eq!(
            value["rows"][0],
            json!({
                "boundary": "none", "grade": "quad", "writer": "hammering", "change": "call-call",
                "calls": 1_000_000, "writes": 500, "torn": 0, "upper95": 3e-6,
            })
        );
        assert_eq!(
            value["steps"][0],
            json!({
                "boundary": "across-8", "split": 1, "writer": "hammering", "barriers": true,
                "calls": 1_000_000, "writes": 500, "veneers": 7, "torn": 0, "upper95": 3e-6,
                "unavailable": null,
            })
        );
        let names = |array: &str, fields: &[&str]| {
            let rows = value[array].as_array().unwrap();
            let name = |row: &Value| {
                fields.iter().map(|field| row[field].to_string() + " ").collect::<String>()
            };
            rows.iter().map(name).collect::<std::collections::BTreeSet<_>>().len()
        };
        let count = names("rows", &["boundary", "writer", "change"])
            + names("steps", &["boundary", "split", "writer", "barriers"]);
        assert_eq!(count, rows.len(), "two rows have the same name");
    }
}
