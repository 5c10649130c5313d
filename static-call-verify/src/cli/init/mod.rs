//! `cargo static-call init`: merges the flags and the lint into the existing files.

mod cfg;
mod chain;
mod config;
mod diff;
mod lints;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Arg, ArgAction, ArgMatches};
use toml_edit::{Item, TableLike};

use chain::Chain;

use super::exit::UNREADABLE;
use super::options::{manifest, manifest_path};
use super::output::{self, complain_of};
use crate::link::origin::REPLACING;

/// A file's text with the change, and notes about it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Edited {
    text: String,
    notes: Vec<String>,
}

/// A file before and after the change.
struct Change {
    path: PathBuf,
    before: String,
    after: String,
}

/// The file that made `init` fail, and why. Nothing was written.
#[derive(Debug)]
struct Failure(PathBuf, String);

pub(super) fn command() -> clap::Command {
    clap::Command::new("init")
        .about("Write optional compiler flags, and the lint that shows what the verifier finds")
        .after_help(
            "Add to `.cargo/config.toml` the flags that make updates cheaper: one store retargets\n\
             most call instructions, and functions of other crates are called directly. Calls are\n\
             inline without them, too. Add to `Cargo.toml` the lint that shows what is found\n\
             while linking. Keep existing settings. Print the change.",
        )
        .arg(manifest_path())
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .short('n')
                .help("Print the change without writing it")
                .action(ArgAction::SetTrue),
        )
}

/// Prints the change, and writes it unless this is a dry run.
pub(super) fn main(matches: &ArgMatches) -> ExitCode {
    let Some(manifest) = manifest(matches) else {
        let current = env::current_dir().unwrap_or_default();
        complain_of(
            &current,
            "no Cargo.toml here or in a parent directory: pass one with --manifest-path",
        );
        return ExitCode::from(UNREADABLE);
    };
    match run(&manifest, matches.get_flag("dry-run")) {
        Ok(text) => output::finish(&text),
        Err(Failure(path, why)) => {
            complain_of(&path, why);
            ExitCode::from(UNREADABLE)
        }
    }
}

/// Returns the text to print.
fn run(manifest: &Path, is_dry_run: bool) -> Result<String, Failure> {
    let manifest =
        std::path::absolute(manifest).map_err(|e| Failure(manifest.into(), e.to_string()))?;
    let root = workspace(&manifest);
    let mut notes = Vec::new();
    // Everything is read and changed in memory before the first file is written.
    let chain = Chain::read(&root)?;
    let config = chain::file(&root.join(".cargo"));
    let mut changes = vec![change(config, &mut notes, |text| config::edit(text, &chain))?];
    let own = read(&manifest)?;
    if own.is_empty() {
        return Err(Failure(manifest, "no such manifest".to_owned()));
    }
    let inherits = lints::inherits(&own).map_err(|why| Failure(manifest.clone(), why))?;
    let lint_file = if inherits { root.join("Cargo.toml") } else { manifest.clone() };
    changes.push(change(lint_file, &mut notes, |text| lints::edit(text, inherits))?);
    if !lints::has_verifier(&own) {
        notes.push(
            "next: `static_call_verify::enable()` in build.rs (with `cargo add --build \
             static-call-verify`), or build with `cargo static-call build`"
                .to_owned(),
        );
    }
    notes.extend(not_needed(HAS_PATCHES).map(str::to_owned));
    if chain.has_variable {
        notes.push(format!(
            "{} is set in the environment: cargo adds it to these flags, so it must not repeat \
             any of them",
            chain::VARIABLE
        ));
    }
    let replacing = REPLACING.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
    if let Some((name, value)) = &replacing {
        let missing = config::missing_in(value);
        let fix = match missing.is_empty() {
            true => "It has them all".to_owned(),
            false => format!("Add `{}` to it, or unset it", missing.join(" ")),
        };
        notes.push(format!(
            "{name} is set in the environment, and cargo reads it instead of the flags in files. \
             {fix}"
        ));
    }
    let current = env::current_dir().unwrap_or_default();
    let mut text = String::new();
    changes.retain(|change| change.before != change.after);
    for change in &changes {
        let name = change.path.strip_prefix(&current).unwrap_or(&change.path);
        text += &diff::unified(&name.display().to_string(), &change.before, &change.after);
    }
    if !is_dry_run {
        let failure =
            |change: &Change, error: io::Error| Failure(change.path.clone(), error.to_string());
        for change in &changes {
            output::check_writable(&change.path).map_err(|error| failure(change, error))?;
        }
        for change in &changes {
            write(change).map_err(|error| failure(change, error))?;
        }
    }
    text += match (changes.len(), is_dry_run) {
        (0, _) if replacing.is_some() => "nothing to change in the files\n",
        (0, _) => "everything is already set: nothing to change\n",
        (_, true) => "dry run: nothing was written\n",
        (_, false) => "written\n",
    };
    for note in notes {
        text += &format!("{}: {note}\n", output::paint(output::heading(), "note"));
    }
    Ok(text)
}

/// Whether calls are patched on the system that this command runs on.
const HAS_PATCHES: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

/// Returns a note for systems on which the flags do nothing.
fn not_needed(has_patches: bool) -> Option<&'static str> {
    (!has_patches).then_some(
        "this system needs no flags: calls are rewritten only on x86-64 Linux, and the flags \
         are only for builds for it",
    )
}

/// Adds a setting after the others in a table. In an inline table, the space before the `}` belongs
/// to the last setting.
fn insert(table: &mut dyn TableLike, name: &str, mut item: Item) {
    let last = table.iter_mut().last().and_then(|(_, last)| last.as_value_mut());
    if let Some(last) = last
        && last.decor().suffix().and_then(|suffix| suffix.as_str()) == Some(" ")
        && let Some(new) = item.as_value_mut()
    {
        last.decor_mut().set_suffix("");
        new.decor_mut().set_suffix(" ");
    }
    table.insert(name, item);
}

fn change(
    path: PathBuf,
    notes: &mut Vec<String>,
    edit: impl FnOnce(&str) -> Result<Edited, String>,
) -> Result<Change, Failure> {
    let before = read(&path)?;
    // `edit` sees neither a byte order mark nor carriage returns; both are restored.
    let plain = before.strip_prefix('\u{feff}').unwrap_or(&before);
    let has_returns = plain.contains("\r\n");
    let edited = edit(&plain.replace("\r\n", "\n")).map_err(|why| Failure(path.clone(), why))?;
    notes.extend(edited.notes);
    let mut after = edited.text;
    if after == plain.replace("\r\n", "\n") {
        after = before.clone();
    } else {
        if has_returns {
            after = after.replace('\n', "\r\n");
        }
        if plain.len() != before.len() {
            after.insert(0, '\u{feff}');
        }
    }
    Ok(Change { path, before, after })
}

/// Returns a file's text; empty if the file does not exist.
fn read(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        result => result.map_err(|error| Failure(path.to_owned(), error.to_string())),
    }
}

/// Writes a file, and creates its directory if necessary.
fn write(change: &Change) -> io::Result<()> {
    if let Some(directory) = change.path.parent() {
        fs::create_dir_all(directory)?;
    }
    output::write_file(&change.path, change.after.as_bytes())
}

/// Returns the directory of the workspace, where cargo is usually run.
fn workspace(manifest: &Path) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["locate-project", "--workspace", "--message-format=plain", "--manifest-path"])
        .arg(manifest)
        .output();
    let root = output.ok().filter(|o| o.status.success());
    let root = root.and_then(|o| String::from_utf8(o.stdout).ok()).map(PathBuf::from);
    let root = root.as_deref().unwrap_or(manifest);
    root.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_for_x86_64_linux() {
        assert_eq!(not_needed(true), None);
        assert!(
            not_needed(false).is_some_and(|note| note.starts_with("this system needs no flags"))
        );
    }
}
