//! What a call costs: a static call on its three paths, a direct call, `AtomicPtr`, `dyn`.
//!
//! `STATIC_CALL` caps the path for a whole process, so each path is measured in its own child: this
//! program, run with [`CHILD`] as its argument. The parent asks the children in turn for one round
//! each, so that all of them see the same state of the machine. A round also measures the other
//! ways to call, so that every static call is compared with a direct call in the same process.

use std::env;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Instant;

use static_call::static_call;

use crate::cold::{self, Cold};
use crate::spread::Spread;

/// The argument that makes this program a child.
pub(crate) const CHILD: &str = "--measure-for-quickstart";
/// Calls per sample, in all copies of a loop.
const CALLS: u32 = 96_000;
/// Rounds per child. A round takes one sample of each way to call.
pub(crate) const ROUNDS: usize = 301;

/// The function that is called. It does almost nothing, so that the call dominates the time.
#[static_call]
fn step(x: u64) -> u64 {
    body(x)
}

/// Less than sixteen bytes of code, so that it never crosses a cache line.
#[inline(always)]
fn body(x: u64) -> u64 {
    x.rotate_left(5) ^ 0x5bd1_e995
}

#[inline(never)]
fn direct(x: u64) -> u64 {
    body(x)
}

static POINTER: AtomicPtr<()> = AtomicPtr::new(direct as fn(u64) -> u64 as *mut ());

trait Step {
    fn step(&self, x: u64) -> u64;
}

struct Object;

impl Step for Object {
    fn step(&self, x: u64) -> u64 {
        body(x)
    }
}

/// Copies of each loop. How fast a loop of a few instructions is depends on where it lies, so each
/// way to call has loops at many addresses.
const COPIES: u32 = 16;

/// Defines loops that make a number of calls. Each call's argument is the previous result.
///
/// Every loop starts at the same offset in a cache line, because alignment can cost more than what
/// is measured here. Copies differ by a constant, so that the compiler does not merge them.
macro_rules! call_loop {
    ($name:ident, |$x:ident| $call:expr) => {
        fn $name(calls: u32) -> u64 {
            #[inline(never)]
            fn copy<const COPY: u64>(mut calls: u32) -> u64 {
                let mut $x = COPY;
                #[cfg(target_arch = "x86_64")]
                // SAFETY: it only pads with no-ops.
                unsafe {
                    std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
                }
                loop {
                    $x = $call;
                    calls -= 1;
                    if calls == 0 {
                        return $x;
                    }
                }
            }
            let copies: [fn(u32) -> u64; COPIES as usize] = [
                copy::<0>, copy::<1>, copy::<2>, copy::<3>, copy::<4>, copy::<5>, copy::<6>,
                copy::<7>, copy::<8>, copy::<9>, copy::<10>, copy::<11>, copy::<12>, copy::<13>,
                copy::<14>, copy::<15>,
            ];
            copies.iter().fold(0, |sum, copy| sum ^ copy(calls / COPIES))
        }
    };
}

call_loop!(loop_direct, |x| direct(x));
call_loop!(loop_static_call, |x| step(x));
call_loop!(loop_atomic, |x| {
    let target = POINTER.load(Ordering::Acquire);
    // SAFETY: `POINTER` only ever holds `direct`.
    let target = unsafe { std::mem::transmute::<*mut (), fn(u64) -> u64>(target) };
    target(x)
});
// The object is reloaded for every call, as from a data structure.
call_loop!(loop_dyn, |x| black_box(&Object as &dyn Step).step(x));

/// The ways to call, in the order of a child's answers.
const WAYS: [fn(u32) -> u64; 4] = [loop_direct, loop_static_call, loop_atomic, loop_dyn];
const DIRECT: usize = 0;
const STATIC: usize = 1;
const ATOMIC: usize = 2;
const DYN: usize = 3;

/// A child's answer to a line: nanoseconds per call, one sample of each way, in the hot loop and
/// then in a cold request.
#[derive(Clone, Copy)]
struct Round {
    hot: [f64; WAYS.len()],
    cold: [f64; cold::WAYS],
}

/// A child's answer if some way to call gave a different result than the direct call.
const WRONG: &str = "wrong";

/// Runs as the child: prints which path its static call takes, then answers each line with a round.
///
/// # Errors
///
/// Input or output failed, because the parent has exited.
pub(crate) fn child() -> io::Result<()> {
    let _ = static_call::init();
    // The compiler would turn a pointer that is never stored into a direct call.
    POINTER.store(black_box(direct as fn(u64) -> u64) as *mut (), Ordering::Release);
    let mut cold = Cold::new();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", path_of_step())?;
    for (number, line) in io::stdin().lock().lines().enumerate() {
        line?;
        match round(number).zip(cold.round(number)) {
            Some((hot, cold)) => {
                let all: Vec<_> = hot.iter().chain(&cold).map(f64::to_string).collect();
                writeln!(out, "{}", all.join(" "))?;
            }
            None => writeln!(out, "{WRONG}")?,
        }
    }
    Ok(())
}

/// Takes one sample of each way. A different way comes first in each round.
fn round(number: usize) -> Option<[f64; WAYS.len()]> {
    let calls = black_box(CALLS);
    let expected = loop_direct(calls);
    let mut round = [0.0; WAYS.len()];
    for i in 0..WAYS.len() {
        let way = (number + i) % WAYS.len();
        let begin = Instant::now();
        let result = WAYS[way](calls);
        round[way] = begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls);
        if result != expected {
            return None;
        }
    }
    Some(round)
}

/// Returns the path of the call in [`loop_static_call`].
fn path_of_step() -> String {
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "step");
    let mut calls = key.into_iter().flat_map(|key| &key.sites).flat_map(|site| &site.calls);
    calls.next().map_or("unknown".to_string(), |call| call.path.to_string())
}

/// A child, seen from the parent.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    path: String,
    rounds: Vec<Round>,
    wrong: usize,
}

impl Peer {
    fn start(cap: &str) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg(CHILD)
            .env("STATIC_CALL", cap)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the child process has no pipes"));
        };
        let output = BufReader::new(output);
        let mut peer =
            Self { child, input, output, path: String::new(), rounds: Vec::new(), wrong: 0 };
        peer.path = peer.line()?;
        Ok(peer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("a child process exited early"));
        }
        Ok(line.trim_end().to_string())
    }

    fn round(&mut self) -> io::Result<()> {
        self.input.write_all(b"\n")?;
        let line = self.line()?;
        if line == WRONG {
            self.wrong += 1;
            return Ok(());
        }
        let samples: Vec<f64> = line.split(' ').filter_map(|ns| ns.parse().ok()).collect();
        let round = samples
            .split_first_chunk()
            .and_then(|(&hot, cold)| Some(Round { hot, cold: cold.try_into().ok()? }));
        let other = || io::Error::other(format!("a child process answered {line:?}"));
        self.rounds.push(round.ok_or_else(other)?);
        Ok(())
    }

    /// Ends the child by closing its input.
    fn end(self) -> io::Result<()> {
        let Self { mut child, input, .. } = self;
        drop(input);
        child.wait().map(drop)
    }
}

/// A row in the table.
pub(crate) struct Row {
    /// The way to call.
    pub(crate) name: String,
    /// Nanoseconds per call.
    pub(crate) cost: Spread,
    /// Cost divided by the cost of the direct call in the same round of the same child.
    pub(crate) ratio: Spread,
}

impl Row {
    /// Returns the row of samples, each with the direct call's in its round.
    fn new(name: &str, samples: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        Self {
            name: name.to_string(),
            cost: Spread::of(samples.clone().map(|(own, _)| own)),
            ratio: Spread::of(samples.map(|(own, direct)| own / direct)),
        }
    }
}

/// What was measured.
pub(crate) struct Measurement {
    /// One row per way to call in the hot loop.
    pub(crate) rows: Vec<Row>,
    /// The same for a cold request.
    pub(crate) cold: Vec<Row>,
    /// Paths that this process cannot take.
    pub(crate) missing: Vec<&'static str>,
    /// Rounds in which a way to call gave a wrong result.
    pub(crate) wrong: usize,
}

/// Measures every way to call.
///
/// # Errors
///
/// The program could not start itself, or a child failed.
pub(crate) fn run() -> io::Result<Measurement> {
    let paths = ["inline", "trampoline", "indirect"];
    let mut peers = paths.map(Peer::start).into_iter().collect::<io::Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        peers.iter_mut().try_for_each(Peer::round)?;
    }

    let all = peers.iter().flat_map(|peer| &peer.rounds);
    let hot = |way: usize| move |round: &Round| (round.hot[way], round.hot[DIRECT]);
    let cold = |way: usize| move |round: &Round| (round.cold[way], round.cold[cold::DIRECT]);
    let direct = "direct call";
    let mut rows = vec![Row::new(direct, all.clone().map(hot(DIRECT)))];
    let mut cold_rows = vec![Row::new(direct, all.clone().map(cold(cold::DIRECT)))];
    let mut missing = Vec::new();
    for path in paths {
        let rounds = peers.iter().filter(|peer| peer.path == path).flat_map(|peer| &peer.rounds);
        if rounds.clone().next().is_some() {
            let name = format!("static call, {path}");
            rows.push(Row::new(&name, rounds.clone().map(hot(STATIC))));
            cold_rows.push(Row::new(&name, rounds.map(cold(cold::STATIC))));
        } else {
            missing.push(path);
        }
    }
    let atomic = "AtomicPtr, load and call";
    rows.push(Row::new(atomic, all.clone().map(hot(ATOMIC))));
    cold_rows.push(Row::new(atomic, all.clone().map(cold(cold::ATOMIC))));
    rows.push(Row::new("dyn, through the vtable", all.map(hot(DYN))));
    let wrong = peers.iter().map(|peer| peer.wrong).sum();
    peers.into_iter().try_for_each(Peer::end)?;
    Ok(Measurement { rows, cold: cold_rows, missing, wrong })
}
