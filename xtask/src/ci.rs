//! Runs what continuous integration runs: the tasks, in order, with the time that each took.

use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::run::{Result, cargo, output, run, target};

/// A task and its arguments.
struct Step {
    task: &'static str,
    args: &'static [&'static str],
    /// It does not start after this many seconds, so that the whole stays under forty minutes.
    latest: Option<u64>,
}

const fn step(task: &'static str) -> Step {
    Step { task, args: &[], latest: None }
}

const STEPS: &[Step] = &[
    step("fmt"),
    step("clippy"),
    step("fresh"),
    step("test-links"),
    step("test-rest"),
    step("doc"),
    step("examples"),
    step("package"),
    step("matrix-ci"),
    Step { task: "torture", args: &["--seconds", "20"], latest: Some(2100) },
    Step { task: "aarch64", args: &["--if-offered"], latest: Some(1400) },
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("CARGO_TERM_COLOR", "never"),
    // Would fill most of the disk for a second build that never comes. Tests of what users build
    // undo it.
    ("CARGO_INCREMENTAL", "0"),
    // Random cases are the same every time, so that a failure comes from a change.
    ("PROPTEST_RNG_SEED", "1"),
    // Nothing is missing here, so a test that would be skipped fails.
    ("STATIC_CALL_TESTS_SKIP", "forbid"),
];

/// Runs every step. `--since SECONDS` says when the run began, in Unix time, if earlier.
pub(crate) fn ci(args: &[String]) -> Result {
    let start = match args {
        [] => SystemTime::now(),
        [option, seconds] if option == "--since" => {
            UNIX_EPOCH + Duration::from_secs(seconds.parse()?)
        }
        _ => return Err("the only option is --since SECONDS".into()),
    };
    let elapsed = || start.elapsed().unwrap_or_default();
    for step in STEPS {
        if let ControlFlow::Break(why) = decide(step, elapsed()) {
            println!("{why}");
            continue;
        }
        let before = elapsed();
        let words = [&[step.task], step.args].concat().join(" ");
        println!("==> {words}");
        let mut command = cargo(["--quiet", "xtask", step.task]);
        command.args(step.args).envs(ENVIRONMENT.iter().copied()).stdin(Stdio::null());
        run(&mut command).map_err(|_| format!("{words} failed"))?;
        println!("<== {words} ({} s, {})", (elapsed() - before).as_secs(), disk()?);
    }
    println!("ci: passed in {} s", elapsed().as_secs());
    Ok(())
}

/// Returns how big the target directory is, for whoever must make room for it.
fn disk() -> Result<String> {
    let used = output(Command::new("du").args(["--summarize", "--block-size=MB"]).arg(target()))?;
    Ok(format!("{} on disk", used.split('\t').next().unwrap_or_default()))
}

/// Decides whether a step runs after this much time; if not, returns what to print.
fn decide(step: &Step, elapsed: Duration) -> ControlFlow<String> {
    if step.latest.is_some_and(|latest| elapsed > Duration::from_secs(latest)) {
        let (task, seconds) = (step.task, elapsed.as_secs());
        return ControlFlow::Break(format!(
            "--- {task}: skipped after {seconds} s; run `cargo xtask {task}` to check it"
        ));
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{STEPS, Step, decide, step};
    use crate::TASKS;

    #[test]
    fn every_step_is_a_task() {
        for step in STEPS {
            assert!(TASKS.iter().any(|task| task.0 == step.task), "{}", step.task);
            assert_ne!(step.task, "ci");
        }
    }

    #[test]
    fn optional_steps_do_not_start_late() {
        let (time, late) = (Duration::from_secs(100), Duration::from_millis(100_001));
        let optional = Step { latest: Some(100), ..step("a") };
        assert!(decide(&optional, time).is_continue());
        assert!(decide(&optional, late).is_break());
        assert!(decide(&step("a"), late).is_continue());
    }
}
