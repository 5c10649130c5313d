//! A line on the terminal while something takes long.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long to wait before the line appears.
const PATIENCE: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(120);

/// Shows on a terminal what is being done and for how long, until it is dropped.
pub(super) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Starts it, if standard error is a terminal that can erase a line.
    pub(super) fn new(what: String) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let mut patience = PATIENCE;
            while stopped.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                patience = TICK;
                let seconds = start.elapsed().as_secs_f32();
                let _ = write!(io::stderr(), "\r\x1b[K{what} … {seconds:.1} s");
            }
            if patience == TICK {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}
