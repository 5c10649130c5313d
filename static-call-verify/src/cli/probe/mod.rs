//! `cargo static-call probe`: tests whether this processor tears stores into code.

mod machine;
mod print;
mod verdict;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use static_call::probe::{Experiment, Unavailable};

use self::verdict::{Row, Verdict};
use super::exit::UNREADABLE;
use super::output::complain;

/// Exit code if a store that the runtime makes was torn.
const TEARS: u8 = 1;

pub(super) fn command() -> Command {
    Command::new("probe")
        .about("Measure on this machine which stores into code other processors see torn")
        .long_about(
            "Measure on this machine which stores into code other processors see torn.\n\n\
             One thread executes an instruction in a loop while another keeps changing it\n\
             between two forms: inside an aligned quadword with the runtime's own stores, across\n\
             boundaries with plain ones. Every mixture of the bytes of the two forms leads to\n\
             code that counts it, so nothing crashes. All of this happens in the probe's own\n\
             memory.\n\n\
             Displacements across two cache lines are the positive control: if they do not\n\
             tear, the probe could not have seen anything.",
        )
        .after_help(
            "Exit codes: 0 if the result agrees with the runtime's rules, 1 if a store that the \
             runtime\nmakes was torn, 2 if the probe cannot run here or could not see tears at \
             all.",
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("SECONDS")
                .help("Measure for this long, all experiments together")
                .default_value("20")
                .value_parser(seconds),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .help("Print the result as text or json")
                .value_parser(value_parser!(String))
                .value_parser(["text", "json"])
                .default_value("text"),
        )
}

pub(super) fn main(matches: &ArgMatches) -> ExitCode {
    let time = matches.get_one("seconds").copied().unwrap_or(Duration::from_secs(20));
    let rows = match measure(time, &mut Progress::new()) {
        Ok(rows) => rows,
        Err(error) => {
            complain(error);
            return ExitCode::from(UNREADABLE);
        }
    };
    let processor = machine::processor();
    let date = machine::today();
    let printed = match matches.get_one::<String>("format").map(String::as_str) {
        Some("json") => print::json(&rows, &processor, &date),
        _ => print::text(&rows, &processor, &date),
    };
    // The reader may be gone.
    let _ = io::stdout().write_all(printed.as_bytes());
    ExitCode::from(match Verdict::of(&rows) {
        Verdict::Agrees => 0,
        Verdict::Tears => TEARS,
        Verdict::Blind => UNREADABLE,
    })
}

/// Runs all experiments, each for the same share of `time`.
fn measure(time: Duration, progress: &mut Progress) -> Result<Vec<Row>, Unavailable> {
    let mut rows: Vec<Row> = Experiment::all().into_iter().map(Row::new).collect();
    let start = Instant::now();
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    for (row, left) in rows.iter_mut().zip((1..=count).rev()) {
        // Share what is left: threads that wait for a processor run longer than they were told to.
        let share = time.saturating_sub(start.elapsed()) / left;
        let parts = u32::try_from(row.experiment.parts()).unwrap_or(1);
        for part in 0..row.experiment.parts() {
            progress.show(start.elapsed(), time);
            row.counts += row.experiment.run(part, share / parts)?;
        }
    }
    progress.clear();
    Ok(rows)
}

/// A progress bar on standard error, if that is a terminal.
struct Progress {
    is_shown: bool,
}

impl Progress {
    const WIDTH: usize = 40;

    fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal() }
    }

    fn show(&mut self, elapsed: Duration, time: Duration) {
        if !self.is_shown {
            return;
        }
        let bar = Self::bar(elapsed, time);
        let left = time.saturating_sub(elapsed).as_secs_f64().ceil();
        // Losing the terminal is no reason to stop.
        let _ = write!(io::stderr(), "\r[{bar}] {left:.0} s left \x1b[K");
    }

    fn bar(elapsed: Duration, time: Duration) -> String {
        let part = (elapsed.as_secs_f64() / time.as_secs_f64().max(1e-9)).min(1.0);
        let full = (part * Self::WIDTH as f64) as usize;
        format!("{}{}", "#".repeat(full), ".".repeat(Self::WIDTH - full))
    }

    fn clear(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn seconds(word: &str) -> Result<Duration, String> {
    let seconds: f64 = word.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("from 0.1 to 86400 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_ends_and_is_printed() {
        let rows = match measure(Duration::from_millis(500), &mut Progress { is_shown: false }) {
            Ok(rows) => rows,
            Err(error) => return eprintln!("{error}"),
        };
        assert_eq!(rows.len(), Experiment::all().len());
        let text = print::text(&rows, "a processor", "2026-01-01");
        assert!(text.contains("a processor") && text.contains("7.6.1"), "{text}");
        let json = print::json(&rows, "a processor", "2026-01-01");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["rows"].as_array().map(Vec::len), Some(rows.len()));
    }

    #[test]
    fn the_time_is_a_number_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for word in ["", "x", "0", "-1", "1e9", "NaN", "inf"] {
            assert!(seconds(word).is_err(), "{word}");
        }
        let error = command().try_get_matches_from(["probe", "--seconds", "0"]).unwrap_err();
        assert!(error.to_string().contains("86400"), "{error}");
    }

    #[test]
    fn the_bar_fills() {
        let second = Duration::from_secs(1);
        assert_eq!(Progress::bar(Duration::ZERO, second), ".".repeat(40));
        assert_eq!(Progress::bar(second / 2, second), "#".repeat(20) + &".".repeat(20));
        assert_eq!(Progress::bar(second * 2, second), "#".repeat(40));
    }
}
