//! The command `cargo static-call`.
//!
//! One executable in three roles, told by the name it is started under: the command itself, the
//! wrapper that cargo runs instead of rustc (`rustc`), and the linker (`hook::link`).

mod build;
mod completions;
mod explain;
mod init;
mod options;
mod output;
mod probe;
mod progress;
mod rustc;
mod tables;
mod verify;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::ArgMatches;

use crate::link::role::Role;

/// Exit code: something was found that the policy denies.
const DENIED: u8 = 1;
/// Exit code: an image could not be read, a result not be written, or the command not be run.
const UNREADABLE: u8 = 2;

/// What the executable does.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(unix)]
    if let Role::Linker(dir) = Role::of_this_process() {
        crate::link::linker::main(&dir);
    }
    let mut args: Vec<OsString> = env::args_os().collect();
    if let Some(dir) = build::wrapper_directory(args.first()) {
        return rustc::main(&dir, &args[1..]);
    }
    // Cargo runs `cargo-static-call static-call …`.
    if args.get(1).is_some_and(|a| a == "static-call") {
        args.remove(1);
    }
    // Help and mistakes have colours, too.
    let color = options::color(&args);
    let matches = options::command().color(color).get_matches_from(args);
    let settings = options::settings(&matches);
    let Some((name, matches)) = matches.subcommand() else { return ExitCode::from(UNREADABLE) };
    match color {
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
    match name {
        "verify" | "report" => verify::main(name, matches, settings),
        "init" => init::main(matches),
        "explain" => explain::main(matches),
        "completions" => completions::main(matches),
        "probe" => probe::main(matches),
        name => build::main(name, matches, &settings),
    }
}

/// The manifest that is meant: the one that was named, else the nearest above the working directory.
fn manifest(matches: &ArgMatches) -> Option<PathBuf> {
    if let Some(path) = matches.get_one::<OsString>("manifest-path") {
        return Some(path.into());
    }
    let current = env::current_dir().ok()?;
    current.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file())
}
