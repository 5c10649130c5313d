//! Switches a checksum between real implementations while every core is computing it.
//!
//! ```text
//! cargo run --release --bin quickstart [FILE]
//! ```
//!
//! The file (this program itself, if none is named) is cut into chunks, and all cores checksum them
//! through one static call, over and over, while the main thread switches what that call reaches.
//! Every result is compared with a naive implementation. Then it measures what such a call costs,
//! and prints where each call instruction stands and how it gets to its target.
//!
//! Exit code: 0; 1 if a result was wrong or an update failed; 2 if the input cannot be read.

mod checksum;
mod measure;
mod spread;
mod workload;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use checksum::Implementation;
use measure::{Measurement, Row};
use spread::Spread;
use workload::{Chunk, Outcome};

/// Bytes of a chunk: one call's work.
const CHUNK: usize = 4096;
/// The oracle reads bit by bit: a longer input is cut here.
const LONGEST: u64 = 32 << 20;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (first, more) = (arguments.next(), arguments.next());
    if first.as_deref() == Some(measure::CHILD.as_ref()) {
        // An error means that the parent is gone.
        return measure::child().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    if more.is_some() || first.as_ref().is_some_and(|a| a.as_encoded_bytes().starts_with(b"-")) {
        eprintln!("usage: quickstart [FILE]");
        return ExitCode::from(2);
    }
    let (path, data) = match input(first) {
        Ok(input) => input,
        Err(message) => {
            eprintln!("quickstart: {message}");
            return ExitCode::from(2);
        }
    };
    // Without this each key's calls go inline with its first update.
    if let Err(error) = static_call::init() {
        eprintln!("quickstart: no call could be bound: {error}");
        return ExitCode::FAILURE;
    }
    let correct = run(&path, &data);
    println!("{}", static_call::report());
    if correct { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The file to checksum and its first [`LONGEST`] bytes.
fn input(argument: Option<OsString>) -> Result<(PathBuf, Vec<u8>), String> {
    let path = match argument {
        Some(path) => path.into(),
        None => env::current_exe().map_err(|e| format!("where is this program? {e}"))?,
    };
    let mut data = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut data))
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    if data.is_empty() {
        return Err(format!("{} is empty: name a file with something in it", path.display()));
    }
    Ok((path, data))
}

/// Does everything and prints it; whether all results were right.
fn run(path: &Path, data: &[u8]) -> bool {
    let chunks = Chunk::cut(data, CHUNK);
    heading("Machine and input");
    println!("  processor   {}", processor());
    println!("  cores       {}, {} {}", workload::cores(), env::consts::ARCH, env::consts::OS);
    println!("  file        {}", path.display());
    println!(
        "  read        {} KiB, in {} chunks of {CHUNK} bytes",
        grouped(data.len().div_ceil(1024)),
        grouped(chunks.len()),
    );
    if let Some(cap) = env::var_os("STATIC_CALL") {
        println!("  environment STATIC_CALL={}: no call takes a better path", cap.display());
    }

    heading("A function is switched while every core calls it");
    let implementations = checksum::implementations();
    let outcome = workload::run(&chunks, &implementations);
    print_outcome(&outcome, &implementations);

    heading("What a call costs");
    let wrong = match measure::run() {
        Ok(measurement) => {
            print_costs(&measurement);
            measurement.wrong
        }
        Err(error) => {
            println!("  not measured: {error}");
            0
        }
    };

    heading("Where the calls are, and how they get to their targets");
    outcome.is_right() && wrong == 0
}

fn print_outcome(outcome: &Outcome, implementations: &[Implementation]) {
    println!(
        "  {} threads call `checksum(chunk)`; the main thread switches it.\n",
        outcome.workers
    );
    println!("  {:<24} {:>12}", "answered by", "calls");
    for (implementation, &calls) in implementations.iter().zip(&outcome.answered) {
        println!("  {:<24} {:>12}", implementation.name, grouped(calls));
    }
    let times = Spread::of(outcome.updates.iter().map(|time| time.as_secs_f64() * 1e6));
    let row = |name: &str, count: u64, what: &str| {
        println!("  {name:<24} {:>12}   {what}", grouped(count));
    };
    println!();
    println!("  {:<24} {:>12}", "calls", grouped(outcome.calls()));
    row(
        "switches",
        outcome.updates.len() as u64,
        &format!(
            "median {:.1} \u{b5}s each, quartiles {:.1} to {:.1}",
            times.median, times.lower, times.upper
        ),
    );
    row("wrong results", outcome.wrong, "compared with the same checksum computed bit by bit");
    row("stale calls", outcome.stale, "reached a function replaced before the call began");
    if outcome.without_barrier > 0 {
        row(
            "without barrier",
            outcome.without_barrier,
            "updates that other threads follow without a bound in time: stale calls may happen",
        );
    }
    if let Some(error) = &outcome.error {
        println!("\n  The switching ended early: {error}");
    }
}

fn print_costs(measurement: &Measurement) {
    println!(
        "  {:<24} {:>8}  {:<14} {:>11}  quartiles",
        "way to call", "ns/call", "quartiles", "direct = 1"
    );
    for Row { name, cost, ratio } in &measurement.rows {
        println!(
            "  {name:<24} {:>8.2}  {:.2} to {:.2}   {:>11.2}  {:.2} to {:.2}",
            cost.median, cost.lower, cost.upper, ratio.median, ratio.lower, ratio.upper
        );
    }
    for path in &measurement.missing {
        println!(
            "  static call, {path}: not to be had here; the reasons stand with the calls below"
        );
    }
    println!(
        "
  Medians of {} rounds of {} calls; each call's argument is the result of the
  one before. The ways take turns, round by round, and each ratio compares two samples of
  one round. `STATIC_CALL` in the environment holds a process to a path.

  What this shows: how long a call takes that the processor predicts right every time, in
  a loop that stays in its caches. What it does not show: a program with thousands of call
  sites, where branch predictors and caches are short; there a call that jumps on through
  a trampoline costs more, and can cost more than `AtomicPtr`, and only the inline path
  stays at the price of a direct call.",
        measure::ROUNDS,
        grouped(measure::CALLS),
    );
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.len()));
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
