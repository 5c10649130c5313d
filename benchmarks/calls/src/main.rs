//! Measures a call, in every way to make one that can be switched.
//!
//! `cargo xtask bench` builds and runs this program. With the argument `switched`, all static calls
//! reach another target than their default.

mod grid;
mod shapes;

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Workload};
use static_call::Path;

fn main() -> ExitCode {
    match measure::serve(Cores::One, prepare) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("calls: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the workloads, and describes the paths that static calls take.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    static_keys::global_init();
    if !cfg!(feature = "bind") {
        static_call::init().map_err(io::Error::other)?;
    }
    let mut workloads = shapes::workloads().map_err(io::Error::other)?;
    workloads.extend(grid::workloads()?);
    if std::env::args().nth(1).as_deref() == Some("switched") {
        shapes::switch().and_then(|()| grid::switch()).map_err(io::Error::other)?;
    }
    let report = static_call::report();
    let count = |is: fn(&static_call::CallReport) -> bool| {
        report.sites().flat_map(|site| &site.calls).filter(|call| is(call)).count().to_string()
    };
    let description = [
        ("calls", count(|_| true)),
        ("inline", count(|call| call.path == Path::Inline)),
        ("in steps", count(|call| call.steps)),
        ("trampoline", count(|call| call.path == Path::Trampoline)),
        ("indirect", count(|call| call.path == Path::Indirect)),
    ];
    Ok((workloads, description.into()))
}
