//! A second program on the same core, which uses up what the core has learnt about branches.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The argument that makes a measured program the neighbour.
const ARGUMENT: &str = "--neighbour";
/// How long the neighbour runs at a time.
const TURN: Duration = Duration::from_micros(200);

/// A process on the same core as this one. While it runs, this process waits.
pub struct Neighbour {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Neighbour {
    /// Starts this program again as a neighbour.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("a child without pipes"))?;
        Ok(Self { child, input, output })
    }

    /// Lets the neighbour run, and waits until it waits again.
    pub(crate) fn run(&mut self) {
        let mut byte = [0];
        let done = self.input.write_all(&byte).and_then(|()| self.output.read_exact(&mut byte));
        if let Err(e) = done {
            panic!("the second program on this core has gone: {e}");
        }
    }

    /// Runs as the neighbour, and never returns, if the program was started as one.
    pub(crate) fn live_if_asked() {
        if std::env::args().nth(1).as_deref() == Some(ARGUMENT) {
            live().unwrap_or_default();
            std::process::exit(0);
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).unwrap_or_default();
    }
}

/// Keeps this process, and those that it starts from now on, on one core.
pub(crate) fn stay_on_one_core() -> io::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|&cpu| allowed.is_set(cpu));
    let mut one = CpuSet::new();
    one.set(last.unwrap_or_default());
    Ok(sched_setaffinity(None, &one)?)
}

fn live() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut byte = [0];
    let mut state = 1;
    loop {
        input.read_exact(&mut byte)?;
        let start = Instant::now();
        while start.elapsed() < TURN {
            state = branches(state);
        }
        black_box(state);
        output.write_all(&byte)?;
        output.flush()?;
    }
}

/// Takes many branches and indirect calls whose way nobody can predict.
fn branches(mut state: u64) -> u64 {
    const WAYS: [fn(u64) -> u64; 8] = [
        |x| x.rotate_left(1) ^ 1,
        |x| x.rotate_left(3).wrapping_add(3),
        |x| x.wrapping_mul(5),
        |x| x ^ x >> 7,
        |x| x.wrapping_sub(11),
        |x| x.rotate_left(13) ^ 17,
        |x| x ^ x << 19,
        |x| x.swap_bytes(),
    ];
    for _ in 0..64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let way = usize::try_from(state >> 61).unwrap_or_default();
        let x = black_box(WAYS)[way](state);
        for bit in 0..8 {
            if black_box(x >> bit & 1 == 1) {
                state ^= black_box(bit);
            }
        }
    }
    state
}
