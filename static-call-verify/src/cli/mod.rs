//! The command `cargo static-call`.
//!
//! One executable has three roles, chosen by the name under which it is started: the command
//! itself, the wrapper that cargo runs instead of rustc (`rustc`), and the linker (`link::linker`).

mod build;
mod completions;
mod exit;
mod explain;
mod init;
mod options;
mod output;
mod probe;
mod progress;
mod rustc;
mod tables;
#[cfg(test)]
mod tests;
mod verify;
mod workspace;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Command;
use clap::builder::styling::{AnsiColor, Styles};

use exit::UNREADABLE;
use options::{color_option, levels, strict};

use crate::link::role::Role;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  cargo static-call init --dry-run                 show what would be set up in this package
  cargo static-call run --release                  build, verify and run, without a build.rs
  cargo static-call verify                         list every static call, and whether it is inline
  cargo static-call report target/release/app      count them by key and by source file
  cargo static-call --deny 'table.*' --deny call.register verify target/release/app
                                                   fail on what a release should not have
  cargo static-call explain call.register          explain a finding and how to fix it

Levels can also be set in Cargo.toml; build.rs and the command line override them:
  [package.metadata.static-call]
  deny = [\"table.*\", \"call.register\"]
[workspace.metadata.static-call] sets them for all packages; package settings override it.

Exit codes: 0 on success, 1 if a finding is denied, 2 if something cannot be read; build, run,
test and bench return cargo's exit code.";

/// Returns the whole command.
fn command() -> Command {
    Command::new("cargo static-call")
        .bin_name("cargo static-call")
        .version(env!("CARGO_PKG_VERSION"))
        .styles(STYLES)
        .about(
            "Find every static call in a linked program, and show which can be rewritten in\n\
             place, which of these in steps, and why the others cannot. A static call is a\n\
             function call whose target can change while the program runs.",
        )
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(levels())
        .arg(strict())
        .arg(color_option())
        .subcommands(verify::commands())
        .subcommand(init::command())
        .subcommand(explain::command())
        .subcommand(probe::command())
        .subcommands(build::commands())
        .subcommand(completions::command())
}

/// Runs the executable in its role.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(unix)]
    if let Role::Linker(dir) = Role::of_this_process() {
        crate::link::linker::main(&dir);
    }
    let mut args: Vec<OsString> = env::args_os().collect();
    if let Some(dir) = wrapper::directory(args.first()) {
        return rustc::main(&dir, &args[1..]);
    }
    // Cargo runs `cargo-static-call static-call …`.
    if args.get(1).is_some_and(|a| a == "static-call") {
        args.remove(1);
    }
    // Help and errors have colours, too.
    let color = options::color(&args);
    let matches = command().color(color).get_matches_from(args);
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
        "completions" => completions::main(command(), matches),
        "probe" => probe::main(matches),
        name => build::main(name, matches, &settings),
    }
}
