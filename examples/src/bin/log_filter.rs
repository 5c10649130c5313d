//! A log level that is changed while the program runs, and costs a no-op while it is off.
//!
//! ```text
//! cargo run --release --bin log_filter
//! ```
//!
//! Each level is a flag. While it is off, a log statement is a five-byte no-op and its arguments
//! are not evaluated. Workers run in four phases at different levels; in the third they work until
//! an operator has switched the level many times. Every line written is counted.
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
/// Thousands of items that workers have begun.
static BEGUN: AtomicU64 = AtomicU64::new(0);
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
            BEGUN.fetch_add(1, Ordering::Relaxed);
            log!(INFO, 0, "{n} items done");
        }
    }
    sum
}

/// Items of a round of work.
const ITEMS: u64 = 200_000;
/// How often the operator switches the level in the third phase.
const SWITCHES: usize = 60;

/// What a phase did.
struct Phase {
    /// Rounds of work of all workers together.
    rounds: u64,
    /// Lines written, by level.
    lines: [u64; 3],
    /// Arguments formatted for log lines.
    formatted: u64,
    /// Whether all checksums were right.
    is_right: bool,
}

/// Runs a phase on all cores. Each worker does a round of work, and more until the operator has
/// switched the level so many times.
fn phase(level: u32, switches: usize) -> Result<Phase, Box<dyn Error>> {
    let threads = thread::available_parallelism().map_or(2, usize::from).max(2);
    set_level(level)?;
    let before = LINES.each_ref().map(|lines| lines.load(Ordering::Relaxed));
    let formatted = FORMATTED.load(Ordering::Relaxed);
    let start = Barrier::new(threads + 1);
    let done = AtomicBool::new(false);
    let sums = thread::scope(|scope| -> Result<Vec<u64>, Box<dyn Error>> {
        let worker = || {
            start.wait();
            let mut sums = vec![work(ITEMS)];
            while !done.load(Ordering::Relaxed) {
                sums.push(work(ITEMS));
            }
            sums
        };
        let pool: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        start.wait();
        let switched = (0..switches).try_for_each(|i| {
            set_level([3, 0, 2, 1][i % 4])?;
            // Then a worker has done a thousand items at this level.
            let enough = BEGUN.load(Ordering::Relaxed) + threads as u64 + 1;
            while BEGUN.load(Ordering::Relaxed) < enough && !pool.iter().all(|w| w.is_finished()) {
                thread::yield_now();
            }
            Ok::<(), UpdateError>(())
        });
        done.store(true, Ordering::Relaxed);
        let sums: Result<Vec<_>, _> = pool.into_iter().map(|worker| worker.join()).collect();
        switched?;
        Ok(sums.map_err(|_| "a worker panicked")?.concat())
    })?;
    let mut lines = LINES.each_ref().map(|lines| lines.load(Ordering::Relaxed));
    for (lines, before) in lines.iter_mut().zip(before) {
        *lines -= before;
    }
    let formatted = FORMATTED.load(Ordering::Relaxed) - formatted;
    match switches {
        0 => print!("level {level}"),
        _ => print!("level switched {switches} times"),
    }
    let [info, debug, trace] = lines;
    println!(": {info} info, {debug} debug, {trace} trace lines; {formatted} arguments formatted");
    let is_right = sums.iter().all(|sum| *sum == sums[0]);
    Ok(Phase { rounds: sums.len() as u64, lines, formatted, is_right })
}

/// Runs the phases. Returns whether every line was written as its level required.
fn run() -> Result<bool, Box<dyn Error>> {
    static_call::init()?;
    let mut holds = true;
    for (level, switches) in [(0, 0), (3, 0), (1, SWITCHES), (1, 0)] {
        let Phase { rounds, lines, formatted, is_right } = phase(level, switches)?;
        let (all, info) = (rounds * ITEMS, rounds * ITEMS.div_ceil(1_000));
        holds &= is_right && formatted == lines[1] + lines[2];
        holds &= match (level, switches) {
            (0, _) => lines == [0; 3],
            (3, _) => lines == [info, all, all],
            (_, 0) => lines == [info, 0, 0],
            _ => (1..info).contains(&lines[0]) && lines[1..].iter().all(|n| (1..all).contains(n)),
        };
    }
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
