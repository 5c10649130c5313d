//! Measures a hook and a flag that are off, beside every other check.
//!
//! `cargo xtask bench` builds and runs this program.

#[cfg(feature = "forms")]
mod form;
mod hot;
mod quiet;
mod requests;
mod work;

#[cfg(feature = "forms")]
use form::form;

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Workload};
use static_call::Path;

fn main() -> ExitCode {
    measure::exit("off", measure::serve(Cores::One, prepare))
}

/// Makes the workloads, and describes the paths that labels and calls take.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    static_keys::global_init();
    quiet::install()?;
    if !cfg!(feature = "bind") {
        static_call::init().map_err(io::Error::other)?;
    }
    let mut workloads = requests::workloads();
    if !cfg!(feature = "forms") {
        workloads.extend(hot::workloads());
    }
    let report = static_call::report();
    let count = |is_flag: bool, path: Path| {
        let keys = report.keys.iter().filter(|key| key.is_flag == is_flag);
        let calls = keys.flat_map(|key| &key.sites).flat_map(|site| &site.calls);
        calls.filter(|call| call.path == path).count().to_string()
    };
    let description = [
        ("labels of flags that are a no-op", count(true, Path::Inline)),
        ("labels of flags that test", count(true, Path::Indirect)),
        ("calls and labels of hooks that are inline", count(false, Path::Inline)),
        ("that are not", count(false, Path::Indirect)),
    ];
    Ok((workloads, description.into()))
}
