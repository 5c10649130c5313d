//! Runs the torture program with the workspace's flags and without them, and by an alias.

use crate::run::{Result, cargo, run, scratch};

/// Seconds of each run.
const SECONDS: &str = "300";

/// `[--seconds N] [--seed S]`, for each run.
pub(crate) fn torture(args: &[String]) -> Result {
    let has_time = args.iter().any(|arg| arg == "--seconds");
    let runs = [
        ("with the flags", true, "0"),
        ("without flags", false, "0"),
        ("without flags, by an alias", false, "1"),
    ];
    for (name, has_flags, alias) in runs {
        println!("{name}:");
        let mut command = cargo(["run", "--quiet", "--release", "--bin", "torture"]);
        if !has_flags {
            // This replaces the flags of .cargo/config.toml.
            command.env("RUSTFLAGS", "").env("CARGO_TARGET_DIR", scratch("torture"));
        }
        command.args(["--", "--alias", alias]).args(args);
        command.args(if has_time { &[][..] } else { &["--seconds", SECONDS] });
        run(&mut command)?;
    }
    Ok(())
}
