//! What is printed, for somebody who does not know the project.

use std::io::{Result, Write};
use std::path::Path;
use std::{env, fs};

use static_call::{Path as CallPath, Report};

use crate::checksum::Implementation;
use crate::measure::{self, Measurement, Row};
use crate::spread::Spread;
use crate::workload::{self, Outcome};

/// A line, underlined.
pub(crate) fn heading(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "\n{text}\n{}", "-".repeat(text.len()))
}

/// Processor, cores, system, and what caps the paths.
pub(crate) fn machine(out: &mut impl Write) -> Result<()> {
    writeln!(out, "  processor    {}", processor())?;
    let cores = grouped(workload::cores());
    writeln!(out, "  cores        {cores}, {} {}", env::consts::ARCH, env::consts::OS)?;
    if let Some(cap) = env::var_os("STATIC_CALL") {
        writeln!(out, "  environment  STATIC_CALL={}, a cap for every call's path", cap.display())?;
    }
    Ok(())
}

/// The file and how it is cut.
pub(crate) fn input(
    out: &mut impl Write,
    path: &Path,
    bytes: usize,
    chunks: usize,
    size: usize,
) -> Result<()> {
    writeln!(out, "  file         {}", path.display())?;
    let (bytes, chunks) = (grouped(bytes), grouped(chunks));
    writeln!(out, "  read         {bytes} bytes, in chunks of {size}: {chunks}")
}

/// Calls and switches, and whether the results were right.
pub(crate) fn outcome(
    out: &mut impl Write,
    outcome: &Outcome,
    implementations: &[Implementation],
) -> Result<()> {
    let workers = grouped(outcome.workers);
    writeln!(
        out,
        "  {workers} threads call one trait, `StaticChecksum.checksum(chunk)`; the main thread
  switches which implementation that reaches.\n"
    )?;
    writeln!(out, "  {:<24} {:>12}", "answered by", "calls")?;
    for (implementation, &calls) in implementations.iter().zip(&outcome.answered) {
        writeln!(out, "  {:<24} {:>12}", implementation.name, grouped(calls))?;
    }
    writeln!(out, "\n  {:<24} {:>12}", "calls", grouped(outcome.calls()))?;
    let mut row = |name: &str, count: u64, what: &str| {
        writeln!(out, "  {name:<24} {:>12}   {what}", grouped(count))
    };
    let time = Spread::of(outcome.updates.iter().map(|time| time.as_secs_f64() * 1e6));
    let time = format!(
        "median {:.1} \u{b5}s each, quartiles {:.1} to {:.1}",
        time.median, time.lower, time.upper
    );
    row("switches", outcome.updates.len() as u64, &time)?;
    row("wrong results", outcome.wrong, "compared with the same checksum computed bit by bit")?;
    row("stale calls", outcome.stale, "reached a function replaced before the call began")?;
    if outcome.without_barrier > 0 {
        let what = "switches that other threads follow without a bound in time";
        row("without a barrier", outcome.without_barrier, what)?;
    }
    match &outcome.error {
        Some(error) => writeln!(out, "\n  The switching ended early: {error}"),
        None => Ok(()),
    }
}

/// The table of ways to call, and what it shows.
pub(crate) fn costs(out: &mut impl Write, measurement: &Measurement) -> Result<()> {
    let (cost, ratio) = ("ns per call", "direct = 1");
    writeln!(
        out,
        "  {:<24} {cost:>11}  {:<14} {ratio:>11}  quartiles",
        "way to call", "quartiles"
    )?;
    for Row { name, cost, ratio } in &measurement.rows {
        let quartiles = format!("{:.2} to {:.2}", cost.lower, cost.upper);
        writeln!(
            out,
            "  {name:<24} {:>11.2}  {quartiles:<14} {:>11.2}  {:.2} to {:.2}",
            cost.median, ratio.median, ratio.lower, ratio.upper
        )?;
    }
    for path in &measurement.missing {
        writeln!(
            out,
            "  {:<24} {:>11}  the reason stands with the calls, below",
            format!("static call, {path}"),
            "-"
        )?;
    }
    let (rounds, calls) = (measure::ROUNDS, grouped(measure::CALLS));
    writeln!(
        out,
        "
  Medians of {rounds} rounds of {calls} calls, each with the result of the one before as its
  argument. The ways take turns in every round; a ratio compares two samples of one round.
  Each path of the static call is held by STATIC_CALL in a process of its own.

  What this shows: a call that the processor predicts right every time, in a loop that
  stays in its caches, where a call through a pointer may cost no more than a direct one. An
  inline static call executes the very instructions of a direct call; on its other two paths
  it takes a jump more.
  What it does not show: how the ways compare in a program with thousands of call sites,
  where branch predictors and instruction caches run short."
    )
}

/// The library's own report: keys, sites, call instructions, paths and reasons.
pub(crate) fn report(out: &mut impl Write, report: &Report) -> Result<()> {
    writeln!(
        out,
        "  By function that can be switched. Its `plain` calls are written like any other and stand
  under the line that declares it; a `call!` has a line of its own. Grade `quad`: all of
  the instruction lies in eight aligned bytes, so it may be rewritten while it is executed."
    )?;
    let mut calls = report.sites().flat_map(|site| &site.calls);
    if calls.any(|call| call.path != CallPath::Inline) {
        writeln!(out, "  Not every call is inline: the reason stands at the end of its line.")?;
    }
    writeln!(out)?;
    writeln!(out, "{report}")
}

/// `1234567` as `1,234,567`.
fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What the system says the processor is.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let model = fields.find(|(name, _)| name.trim() == "model name");
    model.map_or("unknown".to_string(), |(_, value)| value.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_in_groups_of_three() {
        let grouped: Vec<_> = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped).into();
        assert_eq!(grouped, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
