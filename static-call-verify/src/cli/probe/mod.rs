//! `cargo static-call probe`: tests whether this processor tears stores into code.

mod machine;
mod print;
mod sentence;
mod verdict;
mod words;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command, value_parser};
use static_call::Grade;
use static_call::probe::{Experiment, Pace, Unavailable, Way};

use self::verdict::{Row, Verdict};
use super::exit::UNREADABLE;
use super::output::complain;

/// Exit code if a store or a step that the runtime makes was torn.
const TEARS: u8 = 1;

pub(super) fn command() -> Command {
    Command::new("probe")
        .about("Measure on this machine which stores into code other processors see torn")
        .long_about(
            "Measure on this machine which stores into code other processors see torn.\n\n\
             One thread executes an instruction in a loop while another keeps changing it\n\
             between two forms: inside an aligned quadword with the runtime's own stores, across\n\
             boundaries with plain ones and in the runtime's steps. Every mixture of the bytes\n\
             that are stored leads to code that counts it, so nothing crashes. All of this\n\
             happens in the probe's own memory.\n\n\
             Displacements across two cache lines that one store changes are the positive\n\
             control: if they do not tear, the probe could not have seen anything. The same steps\n\
             without barriers between them are the control of the steps.",
        )
        .after_help(
            "Exit codes: 0 if the result agrees with the runtime's rules, 1 if a store or a step \
             that the\nruntime makes was torn, 2 if the probe cannot run here or could not see \
             tears at all.",
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("SECONDS")
                .help("Measure for this long, all experiments together")
                .default_value("30")
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
    let time = matches.get_one("seconds").copied().unwrap_or(Duration::from_secs(30));
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
    ExitCode::from(exit_code(Verdict::of(&rows)))
}

fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Agrees => 0,
        Verdict::Tears | Verdict::StepsTear => TEARS,
        Verdict::Blind => UNREADABLE,
    }
}

/// Runs all experiments, each for its share of `time`.
fn measure(time: Duration, progress: &mut Progress) -> Result<Vec<Row>, Unavailable> {
    let mut rows: Vec<Row> = Experiment::all().into_iter().map(Row::new).collect();
    let start = Instant::now();
    let mut left: u32 = rows.iter().map(|row| shares(&row.experiment)).sum();
    for row in &mut rows {
        // Share what is left: threads that wait for a processor run longer than they were told to.
        let own = shares(&row.experiment);
        let share = time.saturating_sub(start.elapsed()) * own / left.max(1);
        left = left.saturating_sub(own);
        let parts = u32::try_from(row.experiment.parts()).unwrap_or(1);
        for part in 0..row.experiment.parts() {
            progress.show(start.elapsed(), time);
            match row.experiment.run(part, share / parts) {
                Ok(counts) => row.counts += counts,
                // Without the barrier the runtime makes no steps, and the other rows still count.
                Err(reason @ Unavailable::Barrier { .. }) => row.unavailable = Some(reason),
                Err(reason) => return Err(reason),
            }
        }
    }
    progress.clear();
    Ok(rows)
}

/// Returns how many shares of the time an experiment gets. Some processors tear steps without
/// barriers seldom, and only across cache lines.
fn shares(experiment: &Experiment) -> u32 {
    let is_without_barriers = matches!(experiment.way, Way::StepsWithoutBarriers(_));
    let is_straddling = experiment.boundary.grade() == Grade::Straddle;
    match experiment.pace {
        Pace::Hammering if is_without_barriers && is_straddling => 5,
        Pace::Hammering | Pace::Paced => 1,
    }
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
        let count = |array: &str| json[array].as_array().map_or(0, Vec::len);
        assert_eq!(count("rows") + count("steps"), rows.len());
    }

    #[test]
    fn one_tear_of_what_the_runtime_does_is_a_failure() {
        for (i, experiment) in Experiment::all().into_iter().enumerate() {
            let mut rows: Vec<Row> = Experiment::all().into_iter().map(Row::new).collect();
            for row in &mut rows {
                row.counts.calls = 1_000;
                row.counts.torn = u64::from(row.experiment.is_control());
            }
            assert_eq!(exit_code(Verdict::of(&rows)), 0);
            rows[i].counts.torn = 1;
            let expected = if experiment.is_default() { TEARS } else { 0 };
            assert_eq!(exit_code(Verdict::of(&rows)), expected, "{experiment:?}");
        }
        assert_eq!(exit_code(Verdict::of(&[])), UNREADABLE);
    }

    #[test]
    fn the_control_of_steps_gets_more_time() {
        let all = Experiment::all();
        let sum = |wanted: &dyn Fn(&&Experiment) -> bool| {
            all.iter().filter(wanted).map(shares).sum::<u32>()
        };
        assert!(all.iter().all(|e| shares(e) > 0));
        assert_eq!(sum(&|e| e.way == Way::OneStore), 62);
        assert_eq!(sum(&|e| matches!(e.way, Way::Steps(_))), 30);
        assert_eq!(sum(&|e| matches!(e.way, Way::StepsWithoutBarriers(_))), 24 + 6 * 5);
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
