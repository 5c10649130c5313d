//! What a key costs besides calls: bytes of the file, time to build, cache lines of code, updates.
//! A generated program with N static calls beside two anchors in the same run: the same program
//! with plain functions, and with functions under `#[tracing::instrument]`.

mod image;
mod program;
mod samples;
mod scale;
mod table;

use std::fs;

use self::program::{Program, Size};
use self::samples::Samples;
pub(crate) use self::table::{Footprint, Row};
use crate::machine;
use crate::run::{Result, root};

const ROUNDS: u32 = 5;
const SIZE: Size = Size { keys: 1000, calls: 4 };
const PROGRAMS: [Program; 3] = [Program::Plain, Program::Tracing, Program::StaticCalls];

/// Prints what a key adds.
pub(crate) fn footprint(args: &[String]) -> Result {
    let number = |name: &str, otherwise: u32| -> Result<u32> {
        let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(otherwise) };
        let value = args.get(at + 1).and_then(|value| value.parse().ok());
        Ok(value.filter(|&n| n > 0).ok_or_else(|| format!("{name} needs a number from 1"))?)
    };
    let size = Size { keys: number("--keys", SIZE.keys)?, calls: number("--calls", SIZE.calls)? };
    let rounds = number("--rounds", ROUNDS)?;
    let text = format!(
        "# What a key costs besides calls\n\n{}; the machine's load was {}.\n\n{}",
        machine::heading("`cargo xtask footprint --bless`")?,
        machine::load()?,
        of(size, rounds)?.text(),
    );
    print!("{text}");
    if args.iter().any(|arg| arg == "--bless") {
        fs::write(root().join("measurements/footprint.md"), text)?;
    }
    Ok(())
}

/// Measures the costs of the usual number of keys.
pub(crate) fn measure(rounds: u32) -> Result<Footprint> {
    of(SIZE, rounds)
}

/// Builds the programs in turn, and measures them.
fn of(size: Size, rounds: u32) -> Result<Footprint> {
    // Programs with one function show what the libraries themselves add.
    let ones = PROGRAMS.map(|program| {
        Samples::new(program, Size { keys: 1, ..size }).and_then(|samples| samples.image())
    });
    let mut all = PROGRAMS.map(|program| Samples::new(program, size));
    for _ in 0..rounds {
        for samples in &mut all {
            samples.as_mut().map_err(|e| e.to_string())?.round()?;
        }
    }
    let ([a, b, c], [d, e, f]) = (all, ones);
    Footprint::of(size, rounds, &[a?, b?, c?], &[d?, e?, f?], scale::measure()?)
}
