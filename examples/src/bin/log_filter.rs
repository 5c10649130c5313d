//! A log level that is changed while the program runs, and costs a no-op while it is off.
//!
//! ```text
//! cargo run --release --bin log_filter
//! ```
//!
//! Each level is a flag. While it is off, a log statement is a five-byte no-op and its arguments
//! are not evaluated. Workers run in four phases at different levels; in the third an operator
//! switches the level all the time. Every line written is counted.
//!
//! Exit code: 0; 1 if a line is missing, or was written while its level was off.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{UpdateError, flag};

flag! {
    /// For operators, always on.
    static INFO = true;
}
flag! {
    /// For hunting a fault.
    static DEBUG = false;
}
flag! {
    /// Everything.
    static TRACE = false;
}

/// Sets a level and all levels above it, as one batch: `TRACE` never stays on without `DEBUG`.
fn set_level(level: u32) -> Result<(), UpdateError> {
    static_call::batch(|batch| {
        batch.set_flag(&INFO, level >= 1)?;
        batch.set_flag(&DEBUG, level >= 2)?;
        batch.set_flag(&TRACE, level >= 3)
    })?;
    Ok(())
}

/// Lines written, by level.
static LINES: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
/// Arguments formatted for log lines.
static FORMATTED: AtomicU64 = AtomicU64::new(0);

/// Writes a log line. Where it goes does not matter in this example.
fn write(level: usize, text: &str) {
    assert!(!text.is_empty());
    LINES[level].fetch_add(1, Ordering::Relaxed);
}

fn describe(n: u64) -> String {
    FORMATTED.fetch_add(1, Ordering::Relaxed);
    format!("item {n}")
}

/// `log!(DEBUG, 1, "text {}", argument)` evaluates its arguments only while the level is on.
macro_rules! log {
    ($flag:ident, $level:expr, $($text:tt)*) => {
        if $flag.unlikely() {
            write($level, &format!($($text)*));
        }
    };
}

/// Does the work, with one log statement for each level. Returns a checksum.
fn work(items: u64) -> u64 {
    let mut sum = 0_u64;
    for n in 0..items {
        log!(TRACE, 2, "starting {}", describe(n));
        sum = sum.rotate_left(5) ^ n.wrapping_mul(0x9e37_79b9);
        log!(DEBUG, 1, "{}: sum {sum:x}", describe(n));
        if n % 1_000 == 0 {
            log!(INFO, 0, "{n} items done");
        }
    }
    sum
}

const ITEMS: u64 = 200_000;

/// Runs a phase on all cores. Returns the lines written at each level, the arguments formatted, and
/// whether all checksums were right.
fn phase(level: u32, switching: bool) -> Result<([u64; 3], u64, bool), Box<dyn Error>> {
    let threads = thread::available_parallelism().map_or(2, usize::from).max(2);
    set_level(level)?;
    let before = LINES.each_ref().map(|lines| lines.load(Ordering::Relaxed));
    let formatted = FORMATTED.load(Ordering::Relaxed);
    let start = Barrier::new(threads + 1);
    let done = AtomicBool::new(false);
    let sums = thread::scope(|scope| -> Result<Vec<u64>, Box<dyn Error>> {
        let pool: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    work(ITEMS)
                })
            })
            .collect();
        let operator = scope.spawn(|| -> Result<u64, UpdateError> {
            start.wait();
            let mut switches = 0;
            while switching && !done.load(Ordering::Relaxed) {
                set_level([3, 0, 2, 1][switches % 4])?;
                switches += 1;
            }
            Ok(switches as u64)
        });
        let sums: Result<Vec<u64>, _> = pool.into_iter().map(|worker| worker.join()).collect();
        done.store(true, Ordering::Relaxed);
        let switches = operator.join().map_err(|_| "the operator panicked")??;
        if switching {
            println!("level switched {switches} times:");
        }
        Ok(sums.map_err(|_| "a worker panicked")?)
    })?;
    let mut lines = LINES.each_ref().map(|lines| lines.load(Ordering::Relaxed));
    for (lines, before) in lines.iter_mut().zip(before) {
        *lines -= before;
    }
    let formatted = FORMATTED.load(Ordering::Relaxed) - formatted;
    let is_right = sums.iter().all(|sum| *sum == sums[0]);
    println!(
        "{}: {} info, {} debug, {} trace lines; {formatted} arguments formatted",
        if switching { "  meanwhile".to_owned() } else { format!("level {level}") },
        lines[0],
        lines[1],
        lines[2]
    );
    Ok((lines, formatted, is_right))
}

fn run() -> Result<bool, Box<dyn Error>> {
    static_call::init()?;
    let threads = thread::available_parallelism().map_or(2, usize::from).max(2) as u64;
    let (all, info) = (threads * ITEMS, threads * ITEMS.div_ceil(1_000));
    let (off, made, right) = phase(0, false)?;
    let mut holds = right && off == [0; 3] && made == 0;
    let (lines, made, right) = phase(3, false)?;
    holds &= right && lines == [info, all, all] && made == 2 * all;
    let (lines, made, right) = phase(1, true)?;
    holds &= right && lines[1] <= all && lines[2] <= all && made == lines[1] + lines[2];
    let (lines, made, right) = phase(1, false)?;
    holds &= right && lines == [info, 0, 0] && made == 0;
    println!("{}", if holds { "every line was written as its level required" } else { "WRONG" });
    Ok(holds)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("log_filter: {error}");
            ExitCode::FAILURE
        }
    }
}
