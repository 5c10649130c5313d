//! `cargo bench` is `cargo xtask bench`.

use std::env;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let task =
        Command::new(env!("CARGO_BIN_EXE_xtask")).arg("bench").args(env::args().skip(1)).status();
    match task {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo bench: cannot start the task: {error}");
            ExitCode::FAILURE
        }
    }
}
