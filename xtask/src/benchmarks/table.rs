//! Results as tables.

use std::fmt::Write as _;

use super::plot;
use super::results::{Cost, Described, Results, Section, Workload};
use super::targets::{Target, gain};
use crate::run::Result;
use crate::spread::Spread;

/// How it was measured.
const METHOD: &str = "\
Medians and quartiles over rounds. A round measures every way of a workload once, in an order of its
own that is drawn. Each start runs new copies of the program and of its shared object, whose pages
are written in an order that is drawn, so they lie elsewhere in memory, as the private pages of
patched code do. In the run with a file in one piece, code that was not patched lies in consecutive
pages, as far as the system caches files so, and patched code does not.

Workloads of calls make direct calls twice, in functions with the same instructions. The second
copy, `direct call, elsewhere`, is the control: it shows what the place of code changes by itself.
Ratios there are to the mean of both copies. A ratio that differs from 1 by less than the quartiles
of the control says nothing.
";

/// Returns the whole document.
pub(super) fn document(results: &Results) -> Result<String> {
    let mut text = format!(
        "# Benchmarks\n\n{}; load {} before and {} after.\n\n{METHOD}",
        results.heading, results.load[0], results.load[1]
    );
    for section in &results.sections {
        text += &self::section(section)?;
    }
    if let Some(size) = &results.size {
        text += &cost(size)?;
    }
    if let Some(link_time) = &results.link_time {
        text += &cost(link_time)?;
    }
    Ok(text)
}

fn cost<T>(cost: &Cost<T>) -> Result<String> {
    Ok(format!("\n## {}\n\n{}{}", cost.title, cost.text, targets(&cost.targets)?))
}

fn section(section: &Section) -> Result<String> {
    let mut text = format!("\n## {}\n", section.title);
    text += "\n| program | run | says |\n|---|---|---|\n";
    for Described { program, name, says } in &section.programs {
        let says: Vec<_> = says.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(text, "| `{program}` | {name} | {} |", says.join(", "))?;
    }
    text += &summary(section);
    for workload in &section.workloads {
        text += &self::workload(section.title, workload)?;
    }
    text += &code(section)?;
    text += &targets(&section.targets)?;
    Ok(text)
}

/// Returns the medians of all ratios: a row for each way, a column for each workload.
fn summary(section: &Section) -> String {
    let mut ways: Vec<&str> = Vec::new();
    for row in section.workloads.iter().flat_map(|workload| &workload.rows) {
        if !ways.contains(&row.name.as_str()) {
            ways.push(&row.name);
        }
    }
    let mut text = String::from("\n### Ratios\n\n| way |");
    for workload in &section.workloads {
        text += &format!(" {} |", workload.name);
    }
    text += &format!("\n|---|{}\n", "--:|".repeat(section.workloads.len()));
    for way in ways {
        text += &format!("| {way} |");
        for workload in &section.workloads {
            let ratio = workload.row(way).map(|row| format!("{:.2}", row.ratio.median));
            text += &format!(" {} |", ratio.unwrap_or_default());
        }
        text += "\n";
    }
    text
}

/// Returns what the generated code consists of.
fn code(section: &Section) -> Result<String> {
    if section.code.is_empty() {
        return Ok(String::new());
    }
    let mut text = String::from(
        "\n### Code\n\nOf the functions with calls, in the build without flags. The instructions \
         of static calls are those of direct calls.\n\n\
         | workload | way | functions | instructions | bytes | direct calls | indirect |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    for (grid, way, code) in &section.code {
        writeln!(
            text,
            "| `{grid}` | `{way}` | {} | {} | {} | {} | {} |",
            code.functions, code.instructions, code.bytes, code.direct, code.indirect
        )?;
    }
    Ok(text)
}

fn targets(targets: &[Target]) -> Result<String> {
    if targets.is_empty() {
        return Ok(String::new());
    }
    let met = targets.iter().filter(|target| target.met).count();
    let mut text = format!("\n### Targets: {met} of {} met\n\n", targets.len());
    for target in targets {
        let met = if target.met { "met" } else { "**missed**" };
        writeln!(text, "- {}: {}, {met}", target.what, target.measured)?;
    }
    Ok(text)
}

fn workload(section: &str, workload: &Workload) -> Result<String> {
    let Workload { name, rows, .. } = workload;
    let plot = plot::file(section, name);
    let mut text = format!("\n### {name}\n\n![a bar for each way](plots/{plot})\n");
    writeln!(text, "\n| way | ns | {} |\n|---|--:|--:|", workload.unit())?;
    for row in rows {
        writeln!(text, "| {} | {} | {} |", row.name, spread(&row.ns), spread(&row.ratio))?;
    }
    if let Some(gain) = gain(workload) {
        writeln!(text, "\nAgainst `AtomicPtr`: {gain}.")?;
    }
    Ok(text)
}

fn spread(s: &Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", s.median, s.low, s.high)
}
