//! Results as tables.

use std::fmt::Write as _;

use super::results::{Results, Section, Workload};
use crate::run::Result;
use crate::spread::Spread;

/// Returns the whole document.
pub(super) fn document(results: &Results) -> Result<String> {
    let mut text = format!(
        "# Benchmarks\n\n{}; load {} before and {} after.\n",
        results.heading, results.load[0], results.load[1]
    );
    for section in &results.sections {
        text += &self::section(section)?;
    }
    Ok(text)
}

fn section(section: &Section) -> Result<String> {
    let mut text = format!("\n## {}\n", section.title);
    for program in &section.programs {
        let says: Vec<_> =
            program.says.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(text, "\n{}: {}.", program.name, says.join(", "))?;
    }
    for workload in &section.workloads {
        text += &self::workload(workload)?;
    }
    Ok(text)
}

fn workload(workload: &Workload) -> Result<String> {
    let first = workload.rows.first().map_or("", |row| row.name.as_str());
    let mut text =
        format!("\n### {}\n\n| way | ns | {first} = 1 |\n|---|--:|--:|\n", workload.name);
    for row in &workload.rows {
        writeln!(text, "| {} | {} | {} |", row.name, spread(&row.ns), spread(&row.ratio))?;
    }
    Ok(text)
}

fn spread(s: &Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", s.median, s.low, s.high)
}
