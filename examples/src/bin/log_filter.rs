//! A log level that is switched live, and costs a no-op where it is off.
//!
//! ```text
//! cargo run --release --bin log_filter
//! ```
//!
//! Each level is a flag: where it is off, a log statement is five bytes that do nothing, and its
//! arguments are not evaluated. Workers do their work in four phases while an operator sets the
//! level; in the third it is switched all the time. Every line that comes out is counted.
//!
//! Exit code: 0; 1 if a line is missing, or came out where its level was off.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{UpdateError, flag};

flag! {
    /// What an operator wants to see always.
    static INFO = true;
}
flag! {
    /// What somebody wants to see who looks for a fault.
    static DEBUG = false;
}
flag! {
    /// Everything.
    static TRACE = false;
}

/// A level and all above it, as one batch: no moment has `TRACE` without `DEBUG` for good.
fn set_level(level: u32) -> Result<(), UpdateError> {
    static_call::batch(|batch| {
        batch.set_flag(&INFO, level >= 1)?;
        batch.set_flag(&DEBUG, level >= 2)?;
        batch.set_flag(&TRACE, level >= 3)
    })?;
    Ok(())
}

/// Lines that came out, by level.
static LINES: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
/// Texts that were made for lines.
static FORMATTED: AtomicU64 = AtomicU64::new(0);

/// A line of a log: where it goes is not what this example is about.
fn write(level: usize, text: &str) {
    assert!(!text.is_empty());
    LINES[level].fetch_add(1, Ordering::Relaxed);
}

fn describe(n: u64) -> String {
    FORMATTED.fetch_add(1, Ordering::Relaxed);
    format!("item {n}")
}

/// `log!(DEBUG, 1, "text {}", argument)`: the arguments are evaluated where the level is on.
macro_rules! log {
    ($flag:ident, $level:expr, $($text:tt)*) => {
        if $flag.unlikely() {
            write($level, &format!($($text)*));
        }
    };
}

/// The work, with a statement for each level. Returns a checksum.
fn work(items: u64) -> u64 {
    let mut sum = 0_u64;
    for n in 0..items {
        log!(TRACE, 2, "about to take {}", describe(n));
        sum = sum.rotate_left(5) ^ n.wrapping_mul(0x9e37_79b9);
        log!(DEBUG, 1, "{}: the sum is {sum:x}", describe(n));
        if n % 1_000 == 0 {
            log!(INFO, 0, "{n} items done");
        }
    }
    sum
}

const ITEMS: u64 = 200_000;

/// Runs a phase on all cores; returns the lines of each level and whether all sums were right.
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
            println!("  (the level was switched {switches} times)");
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
        "level {level}: {} info, {} debug, {} trace lines, {formatted} texts of items made",
        lines[0], lines[1], lines[2]
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
    println!("{}", if holds { "every line was where it should be" } else { "WRONG" });
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
