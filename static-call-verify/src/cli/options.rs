//! What the command line says: subcommands, options and their help.

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Arg, ArgAction, ArgMatches, ColorChoice, Command, value_parser};
use clap_complete::Shell;

use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  cargo static-call init --dry-run                 what would be set up in this package
  cargo static-call run --release                  build, verify and run, without a build.rs
  cargo static-call verify target/release/app      every static call, and whether it is inline
  cargo static-call report target/release/app      how many by key and by file
  cargo static-call --deny 'call.grade.*' verify target/release/app
                                                   fails if a call cannot be rewritten in place
  cargo static-call explain call.grade.straddle    what a finding means, and what mends it

Levels can also stand in Cargo.toml, where build.rs and the command line override them:
  [package.metadata.static-call]
  deny = [\"call.grade.*\"]
[workspace.metadata.static-call] says the same for all packages; what a package says counts more.

Exit codes: 0 if everything holds, 1 if a finding is denied, 2 if something cannot be read;
build, run, test and bench exit as cargo does.";

/// Heading of what every subcommand takes.
const COMMON: &str = "Common options";

const FORMATS: &str = "\
Formats:
  text   for people
  json   one line for each image; its schema is printed by `verify --schema`
  sarif  SARIF 2.1.0, for code hosts and editors
  html   a page about one image, with every call drawn on its cache line: -o report.html";

/// The whole command.
pub(super) fn command() -> Command {
    let cargo = |name: &'static str, about: &'static str, example: &'static str| {
        let args = Arg::new("args")
            .help("What follows goes to cargo as it is")
            .value_name("CARGO ARGS")
            .num_args(..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_parser(value_parser!(OsString));
        let command = Command::new(name).about(about).arg(args).args(levels()).arg(strict());
        command.after_help(format!("Example:\n  {example}"))
    };
    Command::new("cargo static-call")
        .bin_name("cargo static-call")
        .version(env!("CARGO_PKG_VERSION"))
        .styles(STYLES)
        .about(
            "Static calls are function calls whose target changes while the program runs. This\n\
             finds every one in a linked program, tells which can be rewritten in place, and why\n\
             the others cannot.",
        )
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(levels())
        .arg(strict())
        .arg(
            Arg::new("color")
                .long("color")
                .value_name("WHEN")
                .help("Colours: auto (on a terminal), always, never")
                .value_parser(["auto", "always", "never"])
                .hide_possible_values(true)
                .default_value("auto")
                .hide_default_value(true)
                .help_heading(COMMON)
                .global(true),
        )
        .subcommand(
            images("verify", "Prints every static call in a linked program, and what was found")
                .arg(
                    Arg::new("schema")
                        .long("schema")
                        .help("Prints the JSON schema of `--format json`, and nothing else")
                        .action(ArgAction::SetTrue),
                )
                .mut_arg("image", |image| image.required_unless_present("schema")),
        )
        .subcommand(
            images(
                "report",
                "Counts the static calls in a linked program: by key and by source file",
            )
            .mut_arg("image", |image| image.required(true)),
        )
        .subcommand(
            Command::new("init")
                .about("Writes the compiler's flags and the lint that static calls want")
                .after_help(
                    "Adds to `.cargo/config.toml` the flags that put call instructions where they \
                     can be\nrewritten, and to `Cargo.toml` the lint that shows what is found \
                     while linking. What\nis there already stays as it is. Prints the change.",
                )
                .arg(manifest_path())
                .arg(
                    Arg::new("dry-run")
                        .long("dry-run")
                        .short('n')
                        .help("Prints the change and makes none")
                        .action(ArgAction::SetTrue),
                ),
        )
        .subcommand(
            Command::new("explain")
                .about("What a finding means, why it matters, and what mends it")
                .arg(
                    Arg::new("finding")
                        .value_name("FINDING")
                        .help("A name, or a pattern such as 'call.*'; without one, all are listed")
                        .value_parser(FindingKey::matching),
                ),
        )
        .subcommand(super::probe::command())
        .subcommand(cargo(
            "build",
            "cargo build, and every image is verified: no build.rs needed",
            "cargo static-call --deny call.register build --release",
        ))
        .subcommand(cargo(
            "run",
            "cargo run, and every image is verified: no build.rs needed",
            "cargo static-call run --release -- arguments of the program",
        ))
        .subcommand(cargo(
            "test",
            "cargo test, and every image is verified: no build.rs needed",
            "cargo static-call test --workspace",
        ))
        .subcommand(cargo(
            "bench",
            "cargo bench, and every image is verified: no build.rs needed",
            "cargo static-call bench",
        ))
        .subcommand(
            Command::new("completions")
                .about("Prints the completions of a shell")
                .after_help(super::completions::HELP)
                .arg(
                    Arg::new("shell")
                        .value_name("SHELL")
                        .required(true)
                        .value_parser(value_parser!(Shell)),
                ),
        )
}

/// A command that reads images.
fn images(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .after_help(FORMATS)
        .arg(
            Arg::new("image")
                .help("An ELF executable or shared object, stripped or not, built anywhere")
                .value_name("IMAGE")
                .num_args(1..)
                .value_parser(value_parser!(OsString)),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .help("How the result is printed: text, json, sarif or html")
                .value_parser(["text", "json", "sarif", "html"])
                .hide_possible_values(true)
                .default_value("text"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .short('o')
                .value_name("FILE")
                .help("Writes to a file instead of standard output")
                .value_parser(value_parser!(OsString)),
        )
        .arg(manifest_path())
        .args(levels())
}

fn strict() -> Arg {
    Arg::new("strict")
        .long("strict")
        .help("Fails the build where an image cannot be verified")
        .action(ArgAction::SetTrue)
        .help_heading(COMMON)
}

fn manifest_path() -> Arg {
    Arg::new("manifest-path")
        .long("manifest-path")
        .value_name("PATH")
        .help("The Cargo.toml that is meant, instead of the nearest one")
        .value_parser(value_parser!(OsString))
}

fn levels() -> [Arg; 4] {
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
        level(Level::Allow, "Does not report a finding, such as call.register or 'call.grade.*'"),
        level(Level::Note, "Puts a finding into the report alone"),
        level(Level::Warn, "Prints a finding with the linker's messages"),
        level(Level::Deny, "Makes a finding fail the build, or the verification"),
    ]
}

/// What the command line sets before the subcommand and behind it: the later level counts.
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

/// What `--color` says, before the line is known to be right.
pub(super) fn color(args: &[OsString]) -> ColorChoice {
    let words = || args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str());
    let behind = words().zip(words().skip(1)).filter(|(name, _)| *name == "--color");
    let joined = words().filter_map(|word| word.strip_prefix("--color="));
    match behind.map(|(_, value)| value).chain(joined).last() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(line: &[&str]) -> ArgMatches {
        command().try_get_matches_from([&["x"], line].concat()).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_follows_goes_to_cargo() {
        let matches =
            matches(&["--deny", "call.register", "run", "--release", "--", "--deny", "x"]);
        assert_eq!(settings(&matches).levels, [(FindingKey::CallRegister, Level::Deny)]);
        let (name, matches) = matches.subcommand().unwrap();
        let args: Vec<&OsString> = matches.get_many("args").unwrap().collect();
        assert_eq!(name, "run");
        assert_eq!(args, ["--release", "--", "--deny", "x"]);
    }

    #[test]
    fn the_later_level_counts() {
        let level = |line: &[&str]| {
            let line = [line, &["verify", "image"]].concat();
            settings(&matches(&line)).policy().level(FindingKey::CallViaGot)
        };
        assert_eq!(level(&["--deny", "call.*", "--allow", "call.via-got"]), Level::Allow);
        assert_eq!(level(&["--allow", "call.via-got", "--deny", "call.*"]), Level::Deny);
        assert_eq!(level(&["--deny", "call.grade.*"]), Level::Warn);
        let line = ["--deny=call.*", "verify", "--allow=call.*", "--warn=call.via-got", "image"];
        assert_eq!(settings(&matches(&line)).policy().level(FindingKey::CallViaGot), Level::Warn);
        assert!(settings(&matches(&["build", "--strict"])).is_strict());
        assert!(settings(&matches(&["--strict", "build"])).is_strict());
        assert!(!settings(&matches(&["--allow=call.*", "explain"])).is_strict());
    }

    #[test]
    fn mistakes_are_explained() {
        for line in
            [["--deny", "call.grade.stradle", "build"], ["explain", "straddle", "--color=never"]]
        {
            let error = command().try_get_matches_from([&["x"], &line[..]].concat()).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("did you mean `call.grade.straddle`?"), "{message}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
