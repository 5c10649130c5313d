//! The options that several subcommands share, and the settings from the command line.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, ColorChoice, value_parser};

use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level};

/// Heading of the options that every subcommand takes.
const COMMON: &str = "Common options";

pub(super) fn color_option() -> Arg {
    Arg::new("color")
        .long("color")
        .value_name("WHEN")
        .help("Use colours: auto (on a terminal), always, never")
        .value_parser(["auto", "always", "never"])
        .hide_possible_values(true)
        .default_value("auto")
        .hide_default_value(true)
        .help_heading(COMMON)
        .global(true)
}

pub(super) fn strict() -> Arg {
    Arg::new("strict")
        .long("strict")
        .help("Fail the build if an image cannot be verified")
        .action(ArgAction::SetTrue)
        .help_heading(COMMON)
}

pub(super) fn manifest_path() -> Arg {
    Arg::new("manifest-path")
        .long("manifest-path")
        .value_name("PATH")
        .help("Read this Cargo.toml instead of the nearest one")
        .value_parser(value_parser!(OsString))
}

pub(super) fn levels() -> [Arg; 4] {
    let level = |level: Level, help: &'static str| {
        Arg::new(level.as_str())
            .long(level.as_str())
            .value_name("FINDING")
            .help(help)
            .action(ArgAction::Append)
            .help_heading("Levels of findings")
            .value_parser(FindingKey::matching)
    };
    [
        level(Level::Allow, "Do not report a finding, such as call.register or 'call.grade.*'"),
        level(Level::Note, "Show a finding only in the report"),
        level(Level::Warn, "Print a finding with the linker's messages"),
        level(Level::Deny, "Fail the build, or the verification, on a finding"),
    ]
}

/// Returns the settings from before and after the subcommand. Later levels override earlier ones.
pub(super) fn settings(matches: &ArgMatches) -> Settings {
    let mut settings = Settings::default();
    for matches in std::iter::once(matches).chain(matches.subcommand().map(|(_, sub)| sub)) {
        let mut levels: Vec<(usize, &Vec<FindingKey>, Level)> = Vec::new();
        for level in Level::ALL {
            let name = level.as_str();
            // Not every subcommand takes levels.
            let keys = matches.try_get_many::<Vec<FindingKey>>(name).ok().flatten();
            let places = keys.as_ref().and_then(|_| matches.indices_of(name));
            let keys = places.into_iter().flatten().zip(keys.into_iter().flatten());
            levels.extend(keys.map(|(place, keys)| (place, keys, level)));
        }
        levels.sort_by_key(|(place, ..)| *place);
        let levels = levels.into_iter().flat_map(|(_, keys, l)| keys.iter().map(move |k| (*k, l)));
        settings.levels.extend(levels);
        if matches.try_get_one("strict").ok().flatten() == Some(&true) {
            settings.strict = Some(true);
        }
    }
    settings
}

/// Returns the value of `--color`, before the command line is known to be valid.
pub(super) fn color(args: &[OsString]) -> ColorChoice {
    let words = || args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str());
    let separate = words().zip(words().skip(1)).filter(|(name, _)| *name == "--color");
    let joined = words().filter_map(|word| word.strip_prefix("--color="));
    match separate.map(|(_, value)| value).chain(joined).last() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Returns the manifest to use: the one that was passed, or else the nearest one at or above the
/// working directory.
pub(super) fn manifest(matches: &ArgMatches) -> Option<PathBuf> {
    if let Some(path) = matches.get_one::<OsString>("manifest-path") {
        return Some(path.into());
    }
    let current = env::current_dir().ok()?;
    current.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file())
}
