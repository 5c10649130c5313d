//! perf: samples in the target of a static call, and in a trampoline, have the right callers.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::os::unix::process::CommandExt;
use std::process::Command;

const HELPER: &str = env!("CARGO_BIN_EXE_profiled");

/// Runs a command in which programs have the same addresses each time.
fn run(program: &str, args: &[&str], cap: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).env("STATIC_CALL", cap);
    let fix = || {
        // SAFETY: it sets an attribute of this process.
        unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
        Ok(())
    };
    // SAFETY: it makes only a system call.
    unsafe { command.pre_exec(fix) };
    let output = support::finish(command);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// Returns where a profile is written.
fn data(name: &str, cap: &str) -> String {
    format!("{}/perf_{name}_{cap}", env!("CARGO_TARGET_TMPDIR"))
}

/// Profiles the helper with an event, and returns each sample's functions, the innermost first.
/// Returns `None` if this user or this machine has no such event.
fn samples(name: &str, event: &[&str], rounds: &str, cap: &str) -> Option<Vec<Vec<String>>> {
    let data = data(name, cap);
    let record = ["record", "-o", &data, "--call-graph=dwarf,4096"];
    let record = [&record, event, &["--", HELPER, rounds]].concat();
    let recorded = run("perf", &record, cap).map(|_| {
        let script = ["script", "-i", &data, "--no-inline", "-F", "ip,sym"];
        let text = run("perf", &script, cap).unwrap();
        let frame = |line: &str| Some(line.trim().split_once(' ')?.1.to_owned());
        let sample = |text: &str| text.lines().filter_map(frame).collect();
        let samples = text.split("\n\n").map(sample);
        samples.filter(|frames: &Vec<_>| !frames.is_empty()).collect::<Vec<_>>()
    });
    // No package would help: this needs permission, or a processor that makes the samples.
    let why = match recorded {
        Ok(samples) if !samples.is_empty() => return Some(samples),
        Ok(_) => "there is no sample".to_owned(),
        Err(error) => error,
    };
    println!("skipped: {name}: {why}");
    None
}

/// Fails unless a sample's callers are the right ones.
fn assert_called(frames: &[String]) {
    let mut at = 1;
    for name in ["profiled_caller", "profiled_loop", "profiled::main"] {
        let found = frames[at..].iter().position(|frame| frame.contains(name));
        at += found.unwrap_or_else(|| panic!("{name}: {frames:#?}")) + 1;
    }
}

#[test]
fn a_target_has_its_caller() {
    if !support::have(&["perf"]) {
        return;
    }
    for cap in ["inline", "trampoline", "indirect"] {
        let event = ["-e", "cpu-clock", "-F", "997"];
        let Some(samples) = samples("target", &event, "60000", cap) else { return };
        let is_target = |frames: &&Vec<String>| frames[0].contains("profiled_target");
        let in_target: Vec<_> = samples.iter().filter(is_target).collect();
        assert!(!in_target.is_empty(), "{cap}: {samples:#?}");
        for frames in in_target {
            assert_called(frames);
        }
        let data = data("target", cap);
        let report = ["report", "-i", &data, "--stdio", "--no-inline", "--no-children", "-gnone"];
        let text = run("perf", &report, cap).unwrap();
        assert!(text.contains("profiled_target"), "{text}");
    }
}

/// A breakpoint of the processor makes a sample at the trampoline's first instruction.
#[test]
fn a_trampoline_has_its_caller() {
    if !support::have(&["perf"]) {
        return;
    }
    for cap in ["trampoline", "indirect"] {
        let text = run(HELPER, &["1"], cap).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("trampoline "));
        let event = format!("mem:{}:x", line.expect("a line"));
        let event = ["-e", &event, "-c", "1"];
        let Some(samples) = samples("trampoline", &event, "20", cap) else { return };
        for frames in samples {
            assert!(frames[0].contains("trampoline"), "{frames:#?}");
            assert_called(&frames);
        }
    }
}
