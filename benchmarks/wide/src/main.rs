//! Measures calls from 65,536 sites.
//!
//! `cargo xtask bench` builds and runs this program. With the argument `switched`, all static calls
//! reach another target than their default.

mod generated {
    use measure::{Grid, GridWay};

    include!(concat!(env!("OUT_DIR"), "/grids.rs"));
}

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Workload};

fn main() -> ExitCode {
    measure::exit("wide", measure::serve(Cores::One, prepare))
}

/// Makes the workloads, and describes the paths that static calls take.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    if !cfg!(feature = "bind") {
        static_call::init().map_err(io::Error::other)?;
    }
    let workloads = measure::workloads(generated::GRIDS)?;
    if std::env::args().nth(1).as_deref() == Some("switched") {
        generated::switch().map_err(io::Error::other)?;
    }
    Ok((workloads, measure::paths()))
}
