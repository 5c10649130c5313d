//! Tests of the whole command line.

use std::ffi::OsString;

use clap::ArgMatches;

use super::command;
use super::options::settings;
use crate::policy::{FindingKey, Level};

fn matches(line: &[&str]) -> ArgMatches {
    command().try_get_matches_from([&["x"], line].concat()).unwrap()
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn arguments_after_the_subcommand_go_to_cargo() {
    let matches = matches(&["--deny", "call.register", "run", "--release", "--", "--deny", "x"]);
    assert_eq!(settings(&matches).levels, [(FindingKey::CallRegister, Level::Deny)]);
    let (name, matches) = matches.subcommand().unwrap();
    let args: Vec<&OsString> = matches.get_many("args").unwrap().collect();
    assert_eq!(name, "run");
    assert_eq!(args, ["--release", "--", "--deny", "x"]);
}

#[test]
fn later_levels_override_earlier_ones() {
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
fn errors_suggest_a_fix() {
    for line in
        [["--deny", "call.grade.stradle", "build"], ["explain", "straddle", "--color=never"]]
    {
        let error = command().try_get_matches_from([&["x"], &line[..]].concat()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("did you mean `call.grade.straddle`?"), "{message}");
        assert_eq!(error.exit_code(), 2);
    }
}
