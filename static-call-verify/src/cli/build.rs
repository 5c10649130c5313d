//! `cargo static-call build|run|test|bench`: runs cargo with this executable as its wrapper of
//! rustc.
//!
//! Cargo passes to a workspace wrapper the whole command line of rustc, including the linker and
//! the flags that result from its configuration, and keeps what the wrapper built apart from other
//! builds: the wrapper's path is part of the hash in a file's name. The path in turn contains a
//! hash of the settings and of this executable, so that another policy or version links again.
//! Setting `CARGO_TARGET_<T>_LINKER` instead would rebuild every dependency, and finding the user's
//! linker would require reading cargo's configuration.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Arg, ArgMatches, value_parser};
use serde_json::Value;
use static_call::layout::checksum;

use super::exit::UNREADABLE;
use super::options::{levels, strict};
use super::output::{complain, note};
use super::workspace::{self, packages};
use super::wrapper;
use crate::link::install::install;
use crate::policy::Level;
use crate::policy::settings::Settings;

/// Name of the wrappers' directory inside the target directory.
const DIRECTORY: &str = "static-call";
/// The variable that tells cargo to use a workspace wrapper.
const VARIABLE: &str = "RUSTC_WORKSPACE_WRAPPER";
/// The cargo commands that link, each with an example.
const COMMANDS: [[&str; 2]; 4] = [
    ["build", "cargo static-call --deny call.register build --release"],
    ["run", "cargo static-call run --release -- arguments of the program"],
    ["test", "cargo static-call test --workspace"],
    ["bench", "cargo static-call bench"],
];

pub(super) fn commands() -> [clap::Command; 4] {
    COMMANDS.map(|[name, example]| {
        let args = Arg::new("args")
            .help("Arguments passed to cargo")
            .value_name("CARGO ARGS")
            .num_args(..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_parser(value_parser!(OsString));
        clap::Command::new(name)
            .about(format!("Run cargo {name} and verify every image, without a build.rs"))
            .arg(args)
            .args(levels())
            .arg(strict())
            .after_help(format!("Example:\n  {example}"))
    })
}

/// Runs cargo.
pub(super) fn main(name: &str, matches: &ArgMatches, settings: &Settings) -> ExitCode {
    let args: Vec<&OsString> = matches.get_many("args").into_iter().flatten().collect();
    if let Some(level) = misplaced(&args) {
        note(format_args!(
            "`{level}` is passed to cargo: put options of this command before cargo's \
             arguments, as in `cargo static-call {name} {level} … --release`"
        ));
    }
    let manifest = option(&args, "--manifest-path");
    let prepared = workspace::metadata(manifest.as_deref()).and_then(|metadata| {
        let policies = policies(&metadata);
        let target = target_directory(&metadata, &args)?;
        let is_first = !target.join(DIRECTORY).exists();
        if is_first && !has_verifier(&metadata) {
            note(
                "a plain `cargo build` links again without verifying, so its program stays on \
                 trampolines; call `static_call_verify::enable()` in build.rs to verify every \
                 build",
            );
        }
        prepare(&target, settings, &policies)
    });
    let installed = match prepared {
        Ok(installed) => installed,
        Err(message) => {
            complain(message);
            return ExitCode::from(UNREADABLE);
        }
    };
    let mut command = Command::new(workspace::cargo());
    command.arg(name).args(args);
    if let Some(inner) = env::var_os(VARIABLE).filter(|w| wrapper::directory(Some(w)).is_none()) {
        command.env(wrapper::INNER, inner);
    }
    wrapper::become_command(command.env(VARIABLE, installed))
}

/// Returns cargo's target directory. An option overrides the workspace's.
fn target_directory(metadata: &Value, args: &[&OsString]) -> Result<PathBuf, String> {
    match option(args, "--target-dir") {
        Some(dir) => std::path::absolute(dir).map_err(|e| e.to_string()),
        None => workspace::target_directory(metadata),
    }
}

/// Returns what the workspace and its packages set under `metadata.static-call`. The wrapper reads
/// this for each package. Here it is part of the hash that makes cargo link again.
fn policies(metadata: &Value) -> String {
    let all = std::iter::once(metadata).chain(packages(metadata));
    all.map(|package| format!("{}\n", package["metadata"]["static-call"])).collect()
}

/// Returns whether a package of the workspace has the verifier as a build-dependency.
fn has_verifier(metadata: &Value) -> bool {
    let mut dependencies =
        packages(metadata).filter_map(|p| p["dependencies"].as_array()).flatten();
    dependencies.any(|d| d["name"] == env!("CARGO_PKG_NAME") && d["kind"] == "build")
}

/// Returns an option of this command among those passed to cargo, which has no option of that name.
/// This is not an error: after a word that is not an option, `run` passes it to the program.
fn misplaced<'a>(args: &[&'a OsString]) -> Option<&'a str> {
    let words = args.iter().take_while(|a| **a != "--").filter_map(|a| a.to_str());
    let names =
        words.filter_map(|word| word.split('=').next()?.strip_prefix("--").map(|n| (n, word)));
    let mut own = names.filter(|(n, _)| *n == "strict" || n.parse::<Level>().is_ok());
    own.next().map(|(name, word)| &word[..name.len() + 2])
}

/// Returns the value of one of cargo's options, which end with `--`.
fn option(args: &[&OsString], name: &str) -> Option<OsString> {
    let mut args = args.iter().take_while(|a| **a != "--");
    while let Some(arg) = args.next() {
        if *arg == name {
            return args.next().map(|value| (*value).clone());
        }
        let value = arg.to_str().and_then(|a| a.strip_prefix(name)?.strip_prefix('='));
        if let Some(value) = value {
            return Some(value.into());
        }
    }
    None
}

/// Creates the wrapper's link for these settings and returns its path.
fn prepare(target: &Path, settings: &Settings, policies: &str) -> Result<PathBuf, String> {
    let me = env::current_exe().and_then(fs::metadata).and_then(|m| Ok((m.len(), m.modified()?)));
    let me = me.map_err(|e| format!("cannot read this executable: {e}"))?;
    let settings_text = settings.to_text();
    let text = format!("{}\n{me:?}\n{settings_text}{policies}", env!("CARGO_PKG_VERSION"));
    let dir = target.join(DIRECTORY).join(format!("{:016x}", checksum(text.as_bytes())));
    let written = install(&dir, wrapper::NAME)
        .and_then(|()| settings.write(&wrapper::settings_directory(&dir)));
    written.map_err(|e| format!("cannot write to {}: {e}", dir.display()))?;
    Ok(dir.join(wrapper::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_cargo() {
        let args =
            ["--release", "--target-dir", "a", "--manifest-path=b/Cargo.toml", "--", "--bin=c"];
        let args = args.map(OsString::from);
        let args: Vec<&OsString> = args.iter().collect();
        assert_eq!(option(&args, "--target-dir"), Some("a".into()));
        assert_eq!(option(&args, "--manifest-path"), Some("b/Cargo.toml".into()));
        assert_eq!(option(&args, "--bin"), None);
    }

    #[test]
    fn misplaced_options() {
        let of = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            misplaced(&args.iter().collect::<Vec<_>>()).map(str::to_owned)
        };
        assert_eq!(of("--release --deny call.register").as_deref(), Some("--deny"));
        assert_eq!(of("--release --warn=call.*").as_deref(), Some("--warn"));
        assert_eq!(of("--strict").as_deref(), Some("--strict"));
        for line in ["--release -- --deny x", "--bin deny", "--deny-x", "deny"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
