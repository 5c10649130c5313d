//! The command `cargo static-call`.
//!
//! One executable in three roles, told by the name it is started under: the command itself, the
//! wrapper that cargo runs instead of rustc (`rustc`), and the linker (`hook::link`).

mod build;
mod probe;
mod rustc;
mod verify;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::hook::{Role, run_as_linker, settings::Settings};
use crate::{FindingKey, Level};

/// Exit code: something was found that the policy denies.
const DENIED: u8 = 1;
/// Exit code: an image could not be read, or the command not be run.
const UNREADABLE: u8 = 2;

/// What the executable does.
#[must_use]
pub fn main() -> ExitCode {
    if let Role::Linker(dir) = Role::of_this_process() {
        run_as_linker(&dir);
    }
    let mut args: Vec<OsString> = env::args_os().collect();
    if let Some(dir) = build::wrapper_directory(args.first()) {
        return rustc::main(&dir, &args[1..]);
    }
    // Cargo runs `cargo-static-call static-call …`.
    if args.get(1).is_some_and(|a| a == "static-call") {
        args.remove(1);
    }
    let matches = command().get_matches_from(args);
    let settings = settings(&matches);
    match matches.subcommand() {
        Some(("verify", matches)) => verify::main(matches, &settings),
        Some(("probe", matches)) => probe::main(matches),
        Some((name, matches)) => build::main(name, matches, &settings),
        None => ExitCode::from(UNREADABLE),
    }
}

fn command() -> Command {
    let cargo = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).arg(
            Arg::new("args")
                .help("What follows goes to cargo as it is")
                .value_name("CARGO ARGS")
                .num_args(..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString)),
        )
    };
    let level = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FINDING")
            .help(help)
            .action(ArgAction::Append)
            .global(true)
            .value_parser(|word: &str| word.parse::<FindingKey>())
    };
    Command::new("cargo static-call")
        .bin_name("cargo static-call")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Finds, grades and records the call instructions of static calls in linked images")
        .after_help(
            "Exit codes: 0 if everything holds, 1 if a finding is denied, 2 if an image cannot be \
             read;\nbuild, run and test exit as cargo does.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(level("allow", "Does not report a finding, such as call.grade.straddle"))
        .arg(level("note", "Puts a finding into the report alone"))
        .arg(level("warn", "Prints a finding with the linker's messages"))
        .arg(level("deny", "Makes a finding fail the build, or the verification"))
        .arg(
            Arg::new("strict")
                .long("strict")
                .help("Fails the build where an image cannot be verified")
                .action(ArgAction::SetTrue)
                .global(true),
        )
        .subcommand(
            Command::new("verify")
                .about("Reads a linked image and prints what was found in it")
                .arg(
                    Arg::new("image")
                        .help("An ELF executable or shared object")
                        .value_name("IMAGE")
                        .required(true)
                        .num_args(1..)
                        .value_parser(value_parser!(OsString)),
                )
                .arg(
                    Arg::new("format")
                        .long("format")
                        .help("How the report is printed")
                        .value_parser(["text"])
                        .default_value("text"),
                ),
        )
        .subcommand(probe::command())
        .subcommand(cargo("build", "cargo build, and every image is verified: no build.rs needed"))
        .subcommand(cargo("run", "cargo run, and every image is verified: no build.rs needed"))
        .subcommand(cargo("test", "cargo test, and every image is verified: no build.rs needed"))
        .subcommand(cargo("bench", "cargo bench, and every image is verified: no build.rs needed"))
}

/// The levels that the command line sets: where a finding is named twice, the stricter one.
fn settings(matches: &ArgMatches) -> Settings {
    let matches = matches.subcommand().map_or(matches, |(_, sub)| sub);
    let mut settings = Settings { strict: matches.get_flag("strict"), ..Settings::default() };
    for level in [Level::Allow, Level::Note, Level::Warn, Level::Deny] {
        let keys = matches.get_many::<FindingKey>(level.as_str()).into_iter().flatten();
        settings.levels.extend(keys.map(|key| (*key, level)));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_follows_goes_to_cargo() {
        let line = ["x", "--deny", "call.register", "run", "--release", "--", "--deny", "x"];
        let matches = command().try_get_matches_from(line).unwrap();
        assert_eq!(settings(&matches).levels, [(FindingKey::CallRegister, Level::Deny)]);
        let (name, matches) = matches.subcommand().unwrap();
        let args: Vec<&OsString> = matches.get_many("args").unwrap().collect();
        assert_eq!(name, "run");
        assert_eq!(args, ["--release", "--", "--deny", "x"]);
    }

    #[test]
    fn mistakes_are_explained() {
        let error = command().try_get_matches_from(["x", "--deny", "call.nothing", "build"]);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("call.grade.straddle"), "{message}");
    }
}
