//! Measures the requests of a server, from their bytes to the bytes of their answers, with hooks
//! that are off.
//!
//! `cargo xtask bench` builds and runs this program.

mod server;

use std::io;
use std::process::ExitCode;

use measure::{Cores, Description, Way, Workload};
use server::{Server, turn_off, ways};

fn main() -> ExitCode {
    measure::exit("requests", measure::serve(Cores::One, prepare))
}

/// Makes the workloads, and describes the program.
fn prepare() -> io::Result<(Vec<Workload>, Description)> {
    static_keys::global_init();
    if !cfg!(feature = "bind") {
        static_call::init().map_err(io::Error::other)?;
    }
    turn_off();
    log::set_max_level(log::LevelFilter::Info);
    tracing::subscriber::set_global_default(server::Quiet).map_err(io::Error::other)?;
    let mut workloads = Vec::new();
    for (hooks, ways) in ways() {
        let ways = ways.iter().map(|&(name, stages)| {
            let mut server = Server::new(stages);
            Way::new(name, move || server.sample())
        });
        workloads.push(Workload::new(format!("a request, {hooks} hooks off"), ways));
    }
    let totals = static_call::report().totals();
    let description = vec![
        ("keys", totals.keys.to_string()),
        ("sites", totals.sites.to_string()),
        ("inline", totals.inline.to_string()),
    ];
    Ok((workloads, description))
}
