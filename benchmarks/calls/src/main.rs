//! Measures a call, in every way to make one that can be switched.
//!
//! `cargo xtask bench` builds and runs this program. With the argument `switched`, all static calls
//! reach another target than their default.

mod shapes;

mod generated {
    #![allow(unused_braces, reason = "macros of other crates make them")]
    use measure::{Grid, GridWay};

    include!(concat!(env!("OUT_DIR"), "/grids.rs"));
}

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Workload};

fn main() -> ExitCode {
    measure::exit("calls", measure::serve(Cores::One, prepare))
}

/// Makes the workloads, and describes the paths that static calls take.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    static_keys::global_init();
    if !cfg!(feature = "bind") {
        static_call::init().map_err(io::Error::other)?;
    }
    let mut workloads = shapes::workloads().map_err(io::Error::other)?;
    workloads.extend(measure::workloads(generated::GRIDS)?);
    if std::env::args().nth(1).as_deref() == Some("switched") {
        shapes::switch().and_then(|()| generated::switch()).map_err(io::Error::other)?;
    }
    Ok((workloads, measure::paths()))
}
