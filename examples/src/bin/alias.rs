//! What an update costs when code is opened by `mprotect`, and by an alias.
//!
//! ```text
//! cargo run --release --bin alias
//! ```
//!
//! The program starts itself in each way in turn, several times. A child switches a key with four
//! calls to and fro, alone and while another thread calls, and prints medians. The first line of
//! each is what `init` or `init_aliased` took.
//!
//! Exit code: 0; 1 if a call reached the wrong function.

use std::error::Error;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use static_call::{call, static_call};

/// Children of each way.
const ROUNDS: usize = 9;
/// Updates of a child, of which it prints the median.
const UPDATES: u64 = 2000;
/// What a child prints, and the unit.
const ROWS: [&str; 4] =
    ["start, us", "an update alone, us", "the same under load, us", "copies, KiB"];

#[static_call]
fn mix(x: u64) -> u64 {
    x.rotate_left(5)
}

fn turned(x: u64) -> u64 {
    !x
}

/// Makes four calls.
#[inline(never)]
fn four(x: u64) -> u64 {
    call!(mix(x)) ^ call!(mix(x + 1)) ^ call!(mix(x + 2)) ^ call!(mix(x + 3))
}

fn expected(target: fn(u64) -> u64, x: u64) -> u64 {
    target(x) ^ target(x + 1) ^ target(x + 2) ^ target(x + 3)
}

/// Returns the median time of an update, in nanoseconds.
fn updates() -> Result<u128, Box<dyn Error>> {
    let mut times = Vec::new();
    for i in 0..UPDATES {
        let start = Instant::now();
        if i % 2 == 0 { mix::update(turned) } else { mix::reset() }?;
        times.push(start.elapsed().as_nanos());
        let target = if i % 2 == 0 { turned } else { |x: u64| x.rotate_left(5) };
        if four(black_box(i)) != expected(target, i) {
            return Err("a call reached the wrong function".into());
        }
    }
    Ok(median(times))
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Measures one way.
fn child(way: &str) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    if way == "alias" { static_call::init_aliased() } else { static_call::init() }?;
    println!("{}", start.elapsed().as_nanos());
    println!("{}", updates()?);
    let done = AtomicBool::new(false);
    let under_load = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                black_box(four(black_box(1)));
            }
        });
        let result = updates();
        done.store(true, Ordering::Relaxed);
        result
    })?;
    println!("{under_load}");
    let status = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    println!("{}", copies(&status));
    Ok(())
}

/// Returns the memory of the mappings of copies, in KiB times 1000.
fn copies(maps: &str) -> u64 {
    let mut is_copy = false;
    let mut sum = 0;
    for line in maps.lines() {
        if line.split(' ').next().is_some_and(|word| word.contains('-')) {
            is_copy = line.contains("memfd:static-call");
        }
        let size = line.strip_prefix("Size:").and_then(|rest| rest.trim().strip_suffix(" kB"));
        if let Some(size) = size.filter(|_| is_copy) {
            sum += size.parse::<u64>().unwrap_or(0) * 1000;
        }
    }
    sum
}

fn main() -> ExitCode {
    let result = match std::env::args().nth(1) {
        Some(way) => child(&way),
        None => compare(),
    };
    if let Err(error) = result {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs both ways in turn, and prints the medians.
fn compare() -> Result<(), Box<dyn Error>> {
    let mut values: [[Vec<u128>; 2]; ROWS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (i, way) in ["mprotect", "alias"].into_iter().enumerate() {
            let output = Command::new(std::env::current_exe()?).arg(way).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            let printed = String::from_utf8(output.stdout)?;
            for (row, line) in values.iter_mut().zip(printed.lines()) {
                row[i].push(line.parse()?);
            }
        }
    }
    println!("{:<26} {:>9} {:>9}", "", "mprotect", "alias");
    for (name, of_row) in ROWS.into_iter().zip(values) {
        let [first, second] = of_row.map(|values| median(values) as f64 / 1000.0);
        println!("{name:<26} {first:>9.1} {second:>9.1}");
    }
    Ok(())
}
