//! What is printed, for a reader who does not know the project.

use std::io::{Result, Write};
use std::path::Path;
use std::{env, fs};

use static_call::{Path as CallPath, Report};

use crate::checksum::Implementation;
use crate::cold;
use crate::measure::{self, Measurement, Row};
use crate::spread::Spread;
use crate::workload::{self, Outcome};

/// Prints an underlined heading.
pub(crate) fn heading(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "\n{text}\n{}", "-".repeat(text.len()))
}

/// Prints processor, cores, system, and the cap on paths if there is one.
pub(crate) fn machine(out: &mut impl Write) -> Result<()> {
    writeln!(out, "  processor    {}", processor())?;
    let cores = grouped(workload::cores());
    writeln!(out, "  cores        {cores}, {} {}", env::consts::ARCH, env::consts::OS)?;
    if let Some(cap) = env::var_os("STATIC_CALL") {
        writeln!(out, "  environment  STATIC_CALL={} caps every path", cap.display())?;
    }
    Ok(())
}

/// Prints the file and how it is cut.
pub(crate) fn input(
    out: &mut impl Write,
    path: &Path,
    bytes: usize,
    chunks: usize,
    size: usize,
) -> Result<()> {
    writeln!(out, "  file         {}", path.display())?;
    let (bytes, chunks) = (grouped(bytes), grouped(chunks));
    writeln!(out, "  input        {bytes} bytes: {chunks} chunks of {size}")
}

/// Prints calls and switches, and whether the results were right.
pub(crate) fn outcome(
    out: &mut impl Write,
    outcome: &Outcome,
    implementations: &[Implementation],
) -> Result<()> {
    let workers = grouped(outcome.workers);
    writeln!(
        out,
        "  {workers} threads checksum the chunks with `StaticChecksum.checksum(chunk)`. Meanwhile
  the main thread keeps switching which implementation that call reaches.\n"
    )?;
    writeln!(out, "  {:<24} {:>12}", "implementation", "calls")?;
    for (implementation, &calls) in implementations.iter().zip(&outcome.answered) {
        writeln!(out, "  {:<24} {:>12}", implementation.name, grouped(calls))?;
    }
    writeln!(out, "\n  {:<24} {:>12}", "all calls", grouped(outcome.calls()))?;
    let mut row = |name: &str, count: u64, what: &str| {
        writeln!(out, "  {name:<24} {:>12}   {what}", grouped(count))
    };
    let time = Spread::of(outcome.updates.iter().map(|time| time.as_secs_f64() * 1e6));
    let time = format!(
        "median {:.1} \u{b5}s each, quartiles {:.1} to {:.1}",
        time.median, time.lower, time.upper
    );
    row("switches", outcome.updates.len() as u64, &time)?;
    row("wrong results", outcome.wrong, "differ from a checksum computed bit by bit")?;
    row("stale calls", outcome.stale, "reached the old function after a switch had returned")?;
    if outcome.without_barrier > 0 {
        let what = "switches that other threads may see late: membarrier is not available";
        row("without a barrier", outcome.without_barrier, what)?;
    }
    match &outcome.error {
        Some(error) => writeln!(out, "\n  Switching stopped early: {error}"),
        None => Ok(()),
    }
}

/// Prints the table of ways to call, and what it shows.
pub(crate) fn costs(out: &mut impl Write, measurement: &Measurement) -> Result<()> {
    writeln!(
        out,
        "  A static call takes one of three paths, shortest first:
    inline       calls the target, like a direct call
    trampoline   calls eight bytes of code, which jump to the target
    indirect     calls the same eight bytes, which jump through a pointer\n"
    )?;
    writeln!(
        out,
        "  In one hot loop, which the processor predicts and keeps in its caches. Each call
  takes the previous result as its argument.\n"
    )?;
    rows(out, &measurement.rows, &measurement.missing)?;
    let (keys, calls) = (grouped(cold::KEYS), cold::CALLS);
    let megabytes = cold::TOUCHED >> 20;
    writeln!(
        out,
        "
  In a server: {keys} functions can be switched. A request touches {megabytes} MB of data, then
  makes {calls} calls, each of another function. Time of these calls:\n"
    )?;
    rows(out, &measurement.cold, &measurement.missing)?;
    let rounds = measure::ROUNDS;
    writeln!(
        out,
        "
  Medians of {rounds} rounds; half of the samples lie between the quartiles. Every round measures
  each way to call, and a ratio compares two samples from one round. Each path runs in its own
  process, where the environment variable STATIC_CALL caps it.

  What this shows: in a hot loop a call through a pointer may cost no more than a direct call.
  When caches are cold, it waits for the pointer, then for the code. An inline static call
  executes exactly the instructions of a direct call; the other two paths execute one more jump.
  `cargo bench` measures more workloads and more alternatives."
    )
}

/// Prints a table of ways to call.
fn rows(out: &mut impl Write, rows: &[Row], missing: &[&str]) -> Result<()> {
    let (cost, ratio) = ("ns per call", "direct = 1");
    writeln!(
        out,
        "  {:<24} {cost:>11}  {:<16} {ratio:>11}  quartiles",
        "way to call", "quartiles"
    )?;
    for Row { name, cost, ratio } in rows {
        let quartiles = format!("{:.2} to {:.2}", cost.lower, cost.upper);
        writeln!(
            out,
            "  {name:<24} {:>11.2}  {quartiles:<16} {:>11.2}  {:.2} to {:.2}",
            cost.median, ratio.median, ratio.lower, ratio.upper
        )?;
    }
    for path in missing {
        writeln!(
            out,
            "  {:<24} {:>11}  not measured; the list of calls below says why",
            format!("static call, {path}"),
            "-"
        )?;
    }
    Ok(())
}

/// Prints the library's own report: keys, sites, call instructions, paths and reasons.
pub(crate) fn report(out: &mut impl Write, report: &Report) -> Result<()> {
    writeln!(
        out,
        "  The library prints this list. It has a paragraph for each function that can be switched
  (a *key*): where it is declared, its signature, what it calls now, and its calls. `plain`
  are calls written like any other, listed at the declaration, with the function they are in;
  each `call!` has its own line. Grade `quad` means that the instruction lies within eight
  aligned bytes, so one store can rewrite it while other threads execute it. `in steps` means
  that it takes up to three."
    )?;
    let mut calls = report.sites().flat_map(|site| &site.calls);
    if calls.any(|call| call.path != CallPath::Inline) {
        writeln!(out, "  A line that is not inline ends with the reason.")?;
    }
    let totals = report.totals();
    let mut listed = report.clone();
    listed.keys.retain(|key| !key.module.starts_with(cold::MODULE));
    let left_out = grouped(totals.keys - listed.totals().keys);
    writeln!(out, "\n{listed}\n")?;
    writeln!(out, "  Left out are the {left_out} functions of the server. With them:\n")?;
    writeln!(out, "{totals}")
}

/// Formats `1234567` as `1,234,567`.
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

/// Returns the processor's name according to the system.
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
