//! Measures what an update takes, and what threads that call notice of it.
//!
//! `cargo xtask bench` builds and runs this program. With the arguments `batches N` it does N
//! batches and ends, so that its system calls can be counted.

mod callers;
mod gaps;
mod updates;

mod generated {
    #![allow(dead_code, reason = "not every way needs all")]
    use crate::updates::Single;
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Workload};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [mode, count] if mode == "batches" => batches(count),
        _ => measure::serve(Cores::All, prepare),
    };
    measure::exit("switching", done)
}

/// The target of branches.
#[inline(never)]
fn other(x: u64) -> u64 {
    x.rotate_left(3) ^ 0x5bd3
}

/// Binds all calls, and does a number of batches.
fn batches(count: &str) -> io::Result<()> {
    static_call::init().map_err(io::Error::other)?;
    let count: usize = count.parse().map_err(io::Error::other)?;
    for n in 0..count {
        updates::batch(n % 2 == 0).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Makes the workloads, and describes what a batch does.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    static_keys::global_init();
    static_call::init().map_err(io::Error::other)?;
    let batch = static_call::batch(generated::keys::add).map_err(io::Error::other)?;
    let (barriers, direct) = (batch.barriers, batch.inline);
    updates::batch(false).map_err(io::Error::other)?;
    let report = static_call::report();
    let in_steps = report.sites().flat_map(|site| &site.calls).filter(|call| call.steps).count();
    let mut workloads = updates::workloads();
    workloads.extend(gaps::workloads());
    let description = [
        ("barriers of a batch", barriers.to_string()),
        ("its calls that are inline", direct.to_string()),
        ("all calls that are retargeted in steps", in_steps.to_string()),
    ];
    Ok((workloads, description.into()))
}
