//! Runs the torture program with the workspace's flags and without them.

use crate::run::{Result, cargo, run, scratch};

/// Seconds of each run.
const SECONDS: &str = "300";

/// `[--seconds N] [--seed S]`, for each run.
pub(crate) fn torture(args: &[String]) -> Result {
    let has_time = args.iter().any(|arg| arg == "--seconds");
    for has_flags in [true, false] {
        println!("{}:", if has_flags { "with the flags" } else { "without flags" });
        let mut command = cargo(["run", "--quiet", "--release", "--bin", "torture"]);
        if !has_flags {
            // This replaces the flags of .cargo/config.toml.
            command.env("RUSTFLAGS", "").env("CARGO_TARGET_DIR", scratch("torture"));
        }
        command.arg("--").args(args);
        command.args(if has_time { &[][..] } else { &["--seconds", SECONDS] });
        run(&mut command)?;
    }
    Ok(())
}
