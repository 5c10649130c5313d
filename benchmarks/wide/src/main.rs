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
    match measure::serve(Cores::One, prepare) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wide: {error}");
            ExitCode::FAILURE
        }
    }
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
