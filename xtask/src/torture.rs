//! Runs the torture program with the workspace's flags and without them, and by an alias.

use std::fs;
use std::process::Stdio;

use crate::machine;
use crate::run::{Result, cargo, output, root, scratch};

/// Seconds of each run.
const SECONDS: &str = "300";

/// `[--seconds N] [--seed S]`, for each run. `--bless` writes what they print.
pub(crate) fn torture(args: &[String]) -> Result {
    let (options, args): (Vec<_>, Vec<_>) = args.iter().partition(|arg| *arg == "--bless");
    let has_time = args.iter().any(|arg| *arg == "--seconds");
    let mut record = format!(
        "# Torture\n\n{}.\n\nThreads call through every kind of static call while others update \
         them. `tests/torture` says what is checked. A violation ends the run with an error.\n",
        machine::heading("`cargo xtask torture --bless`")?
    );
    let runs = [
        ("With the flags", true, "0"),
        ("Without flags", false, "0"),
        ("Without flags, by an alias", false, "1"),
    ];
    for (name, has_flags, alias) in runs {
        println!("{name}:");
        let mut command = cargo(["run", "--quiet", "--release", "--bin", "torture"]);
        if !has_flags {
            // This replaces the flags of .cargo/config.toml.
            command.env("RUSTFLAGS", "").env("CARGO_TARGET_DIR", scratch("torture"));
        }
        command.args(["--", "--alias", alias]).args(&args);
        command.args(if has_time { &[][..] } else { &["--seconds", SECONDS] });
        let printed = output(command.stderr(Stdio::inherit()))?;
        print!("{printed}");
        record += &format!("\n{name}:\n\n```text\n{}\n```\n", printed.trim_end());
    }
    if !options.is_empty() {
        fs::write(root().join("measurements/torture.md"), record)?;
    }
    Ok(())
}
