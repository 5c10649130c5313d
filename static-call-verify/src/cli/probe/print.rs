//! Prints the probe's table and verdict as text and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};
use static_call::Grade;
use static_call::probe::{Boundary, Counts, Experiment, Forms, Pace};

use super::verdict::{Row, Verdict, control, of_grade, paced_control, upper95};

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
        [
            "where the instruction lies",
            "writer",
            "change",
            "calls",
            "writes",
            "torn",
            "torn per call",
        ],
    );
    for row in rows {
        let Experiment { boundary, pace, change } = row.experiment;
        let counts = row.counts;
        let cells = [
            place(boundary).to_owned(),
            pace_name(pace).to_owned(),
            change_words(change).to_owned(),
            counts.calls.to_string(),
            counts.writes.to_string(),
            counts.torn.to_string(),
            rate(counts),
        ];
        line(&mut text, cells.each_ref().map(String::as_str));
    }
    text.push('\n');
    for grade in GRADES {
        let counts = of_grade(rows, grade);
        let word = if grade.is_patchable() { "rewritten" } else { "left alone" };
        let grade = grade_name(grade);
        let tears = if counts.torn == 1 { "tear" } else { "tears" };
        let _ = writeln!(
            text,
            "{grade:<9} {word:<11} {} {tears} in {} calls: {}",
            counts.torn,
            counts.calls,
            rate(counts)
        );
    }
    let _ = write!(text, "\nVerdict: {}\n\n{NO_PROMISE}", sentence(rows));
    text
}

fn line(text: &mut String, cells: [&str; 7]) {
    let [place, pace, change, calls, writes, torn, rate] = cells;
    let _ = writeln!(
        text,
        "{place:<49} {pace:<9} {change:<21} {calls:>11} {writes:>11} {torn:>9}  {rate}"
    );
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
        let Experiment { boundary, pace, change } = row.experiment;
        let fields = json!({
            "boundary": boundary_name(boundary),
            "grade": grade_name(boundary.grade()),
            "writer": pace_name(pace),
            "change": change_name(change),
        });
        with(numbers(row.counts), fields)
    };
    let grade = |grade| {
        let fields = json!({
            "grade": grade_name(grade),
            "rewritten": grade.is_patchable(),
        });
        with(numbers(of_grade(rows, grade)), fields)
    };
    let value = json!({
        "format": FORMAT,
        "processor": processor,
        "date": date,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "grades": GRADES.map(grade),
        "verdict": Verdict::of(rows).name(),
        "explanation": sentence(rows),
    });
    format!("{value:#}\n")
}

/// Returns the verdict in words.
fn sentence(rows: &[Row]) -> String {
    let control = control(rows);
    let mut text = match Verdict::of(rows) {
        Verdict::Agrees => {
            let line = of_grade(rows, Grade::Line);
            let within = if line.torn > 0 {
                "\"Inside one cache line\" is not enough on this processor: stores tore there, too."
            } else {
                "Inside one cache line nothing tore either, but that is not guaranteed."
            };
            format!(
                "this agrees with the runtime's rules. Nothing that the runtime rewrites tore \
                 (grades quad and disp), while displacements across cache lines tore {} times, so \
                 the probe can see tears here. {within}",
                control.torn
            )
        }
        Verdict::Tears => "THIS PROCESSOR TORE A STORE THAT THE RUNTIME MAKES. Run programs with \
                           STATIC_CALL=indirect here, and please report this table."
            .to_owned(),
        Verdict::Blind if control.torn == 0 => {
            "none. The probe could not see tears on this machine: not even displacements across \
             cache lines tore, so the other rows say nothing. A single processor for both threads, \
             or too few --seconds, can cause this."
                .to_owned()
        }
        Verdict::Blind => "none. Some experiments did not run: increase --seconds.".to_owned(),
    };
    if control.torn > 0 && paced_control(rows).torn == 0 {
        text.push_str(" With a paced writer not even those tore, so the paced rows say little.");
    }
    text
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

fn place(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::None => "in one quadword",
        Boundary::OpcodeBefore8 => "displacement in one quadword",
        Boundary::OpcodeBefore64 => "the same, opcode in the cache line before",
        Boundary::OpcodeBefore4096 => "the same, opcode in the page before",
        Boundary::Across8 => "displacement across 8 bytes, not 16",
        Boundary::Across16 => "displacement across 16 bytes, not 32",
        Boundary::Across32 => "displacement across 32 bytes, in a cache line",
        Boundary::Across64 => "displacement across cache lines",
        Boundary::Across4096 => "displacement across pages",
    }
}

fn boundary_name(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::None => "none",
        Boundary::OpcodeBefore8 => "opcode-before-8",
        Boundary::OpcodeBefore64 => "opcode-before-64",
        Boundary::OpcodeBefore4096 => "opcode-before-4096",
        Boundary::Across8 => "across-8",
        Boundary::Across16 => "across-16",
        Boundary::Across32 => "across-32",
        Boundary::Across64 => "across-64",
        Boundary::Across4096 => "across-4096",
    }
}

fn pace_name(pace: Pace) -> &'static str {
    match pace {
        Pace::Hammering => "hammering",
        Pace::Paced => "paced",
    }
}

fn change_words(change: Forms) -> &'static str {
    match change {
        Forms::Call => "call to call",
        Forms::Jump => "jump to jump",
        Forms::ConditionalJump => "jcc to jcc",
        Forms::PaddedCall => "67 call to call",
        Forms::PaddedJump => "67 jump to jump",
        Forms::PaddedConstant => "67 call to constant",
        Forms::Nop => "call to no-op",
        Forms::PaddedNop => "67 call to no-op",
        Forms::Constant => "call to constant",
        Forms::Label => "label: jump to no-op",
        Forms::Trampoline => "trampoline: ff25 to e9",
    }
}

fn change_name(change: Forms) -> &'static str {
    match change {
        Forms::Call => "call-call",
        Forms::Jump => "jmp-jmp",
        Forms::ConditionalJump => "jcc-jcc",
        Forms::PaddedCall => "padded-call-call",
        Forms::PaddedJump => "padded-jmp-jmp",
        Forms::PaddedConstant => "padded-call-constant",
        Forms::Nop => "call-nop",
        Forms::PaddedNop => "padded-call-nop",
        Forms::Constant => "call-constant",
        Forms::Label => "label",
        Forms::Trampoline => "trampoline",
    }
}

fn grade_name(grade: Grade) -> &'static str {
    match grade {
        Grade::None => "-",
        _ => grade.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(torn: impl Fn(&Experiment) -> u64) -> Vec<Row> {
        let row = |experiment| {
            let counts = Counts { calls: 1_000_000, writes: 500, torn: torn(&experiment) };
            Row { experiment, counts }
        };
        Experiment::all().into_iter().map(row).collect()
    }

    #[test]
    fn the_verdict_gives_its_reasons() {
        let agrees = text(&rows(|e| if e.is_control() { 5 } else { 0 }), "P", "D");
        assert!(agrees.contains("agrees with the runtime's rules"), "{agrees}");
        assert!(
            agrees.contains("tore 60 times") && agrees.contains("nothing tore either"),
            "{agrees}"
        );
        let halves = text(&rows(|e| if e.is_default() { 0 } else { 20 }), "P", "D");
        assert!(halves.contains("not enough on this processor"), "{halves}");
        let hammered =
            text(&rows(|e| u64::from(e.is_control() && e.pace == Pace::Hammering)), "P", "D");
        assert!(hammered.contains("the paced rows say little"), "{hammered}");
        let blind = text(&rows(|_| 0), "P", "D");
        assert!(blind.contains("could not see tears"), "{blind}");
        let torn = text(&rows(|e| u64::from(e.change == Forms::Nop)), "P", "D");
        assert!(torn.contains("STATIC_CALL=indirect"), "{torn}");
        for text in [agrees, halves, hammered, blind, torn] {
            assert!(text.contains("guarantees nothing") && text.contains("7.6.1"), "{text}");
        }
    }

    #[test]
    fn rates_have_bounds() {
        let counts = |calls, torn| Counts { calls, writes: 0, torn };
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
        let names: std::collections::BTreeSet<_> = value["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{} {} {}", row["boundary"], row["writer"], row["change"]))
            .collect();
        assert_eq!(names.len(), rows.len(), "two rows have the same name");
    }
}
