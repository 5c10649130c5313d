//! Switches a checksum between real implementations while every core computes it.
//!
//! ```text
//! cargo run --release --bin quickstart [FILE]
//! ```
//!
//! The file (by default this program) is cut into chunks. All cores checksum the chunks through one
//! trait, over and over, while the main thread switches the implementation that the trait calls.
//! Every result is compared with a naive implementation. The program then measures what such a call
//! costs, and lists every call instruction and how it reaches its target.
//!
//! Exit code: 0; 1 if a result was wrong or an update failed; 2 if the input cannot be read.

mod checksum;
mod cold;
mod measure;
mod print;
mod spread;
mod workload;

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use workload::Chunk;

/// Bytes in a chunk, which is one call's work.
const CHUNK: usize = 4096;
/// Longer input is cut here, because the oracle reads it bit by bit.
const LONGEST: u64 = 32 << 20;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (first, more) = (arguments.next(), arguments.next());
    if first.as_deref() == Some(measure::CHILD.as_ref()) {
        // An error means that the parent has exited.
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
    // Otherwise each key's calls go inline with its first update.
    if let Err(error) = static_call::init() {
        eprintln!("quickstart: init failed: {error}");
        return ExitCode::FAILURE;
    }
    match run(&mut io::stdout(), &path, &data) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("quickstart: cannot print: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the file to checksum and its first [`LONGEST`] bytes.
fn input(argument: Option<OsString>) -> Result<(PathBuf, Vec<u8>), String> {
    let path = match argument {
        Some(path) => path.into(),
        None => env::current_exe().map_err(|e| format!("cannot find this program's file: {e}"))?,
    };
    let mut data = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut data))
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    if data.is_empty() {
        return Err(format!("{} is empty; name a file that is not", path.display()));
    }
    Ok((path, data))
}

/// Runs every part and prints it. Returns whether all results were right.
fn run(out: &mut impl Write, path: &Path, data: &[u8]) -> io::Result<bool> {
    print::heading(out, "Machine and input")?;
    print::machine(out)?;
    let chunks = Chunk::cut(data, CHUNK);
    print::input(out, path, data.len(), chunks.len(), CHUNK)?;

    print::heading(out, "Switching a trait while every core calls it")?;
    let implementations = checksum::implementations();
    let outcome = workload::run(&chunks, &implementations);
    print::outcome(out, &outcome, &implementations)?;

    print::heading(out, "What a call costs")?;
    let wrong = match measure::run() {
        Ok(measurement) => {
            print::costs(out, &measurement)?;
            measurement.wrong
        }
        Err(error) => {
            writeln!(out, "  not measured: {error}")?;
            0
        }
    };

    print::heading(out, "Every call instruction, and the path it takes")?;
    print::report(out, &static_call::report())?;
    Ok(outcome.is_right() && wrong == 0)
}
