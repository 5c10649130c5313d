//! The `rustflags` that cargo reads: from the workspace's own configuration, the directories above
//! it and cargo's home.

use std::env;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Value};

use super::{Failure, cfg};

/// The target that tables of the configuration name.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The environment variable with flags for the target. Cargo adds them to those in files.
pub(super) const VARIABLE: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS";

/// The environment variable with the flags of `build`.
pub(super) const BUILD_VARIABLE: &str = "CARGO_BUILD_RUSTFLAGS";

/// What matters apart from the file that is written.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The other files, nearest first.
    pub(super) files: Vec<(PathBuf, Rustflags)>,
    /// Whether the environment has flags for the target.
    pub(super) has_variable: bool,
    /// The flags in [`BUILD_VARIABLE`], which cargo adds to those of `build`.
    pub(super) build_variable: Vec<String>,
}

impl Chain {
    /// Reads what cargo reads in the workspace at `root`, except the workspace's own file.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let current = env::current_dir().unwrap_or_default();
        let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty());
        let home = home.map(|home| current.join(home)).or_else(|| {
            let home = env::home_dir()?;
            Some(home.join(".cargo"))
        });
        let above = root.ancestors().skip(1).map(|dir| dir.join(".cargo"));
        let mut paths: Vec<PathBuf> = Vec::new();
        let own = file(&root.join(".cargo"));
        for dir in above.chain(home) {
            let path = file(&dir);
            if path.is_file() && path != own && !paths.contains(&path) {
                paths.push(path);
            }
        }
        let build = env::var(BUILD_VARIABLE).unwrap_or_default();
        let mut chain = Self {
            files: Vec::new(),
            has_variable: env::var_os(VARIABLE).is_some_and(|flags| !flags.is_empty()),
            build_variable: whole(build.split_whitespace()),
        };
        for path in paths {
            let text = super::read(&path)?;
            let flags = text.trim_start_matches('\u{feff}').parse::<DocumentMut>();
            let flags = flags.map_err(|e| e.to_string()).and_then(|d| Rustflags::of(&d));
            match flags {
                Ok(flags) => chain.files.push((path, flags)),
                Err(why) => return Err(Failure(path, why)),
            }
        }
        Ok(chain)
    }
}

/// Returns the configuration file in a `.cargo` directory. If there are two, cargo reads the one
/// without an extension.
pub(super) fn file(dir: &Path) -> PathBuf {
    let [old, new] = ["config", "config.toml"].map(|name| dir.join(name));
    if old.is_file() { old } else { new }
}

/// The `rustflags` of a file, one option per word.
#[derive(Debug, Default)]
pub(super) struct Rustflags {
    /// Those in tables of `target` that match.
    pub(super) targets: Vec<Target>,
    /// Those in `build`.
    pub(super) build: Vec<String>,
}

/// The `rustflags` of a table in `target`.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) words: Vec<String>,
    /// Whether they are one string. Cargo joins only lists, and rejects a string with a list.
    pub(super) is_text: bool,
}

impl Rustflags {
    pub(super) fn of(document: &DocumentMut) -> Result<Self, String> {
        let mut flags = Self::default();
        let targets = document.get("target").and_then(Item::as_table_like);
        for (name, table) in targets.into_iter().flat_map(|t| t.iter()) {
            if (name == TARGET || cfg::matches(name))
                && let Some(item) = table.get("rustflags")
            {
                flags.targets.push(Target {
                    name: name.to_owned(),
                    words: words(item)?,
                    is_text: item.is_str(),
                });
            }
        }
        if let Some(item) = document.get("build").and_then(|b| b.get("rustflags")) {
            flags.build = words(item)?;
        }
        Ok(flags)
    }

    pub(super) fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == name)
    }
}

/// Returns the words of a `rustflags`, one option per word.
fn words(flags: &Item) -> Result<Vec<String>, String> {
    let wrong = || "`rustflags` is neither a string nor a list of strings".to_owned();
    let words: Vec<&str> = match flags.as_value() {
        Some(Value::String(words)) => words.value().split_whitespace().collect(),
        Some(Value::Array(words)) => {
            words.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    Ok(whole(words.into_iter()))
}

/// Returns the words of a command line, one option per word.
pub(super) fn whole<'w>(mut words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let option = match word {
            "-C" | "--codegen" => words.next(),
            _ => word.strip_prefix("--codegen=").or_else(|| word.strip_prefix("-C")),
        };
        let option = option.map(|option| match option.split_once('=') {
            Some((name, value)) => format!("-C{}={value}", name.replace('_', "-")),
            None => format!("-C{option}"),
        });
        match option.as_deref().and_then(|o| o.strip_prefix("-Cllvm-args=")) {
            Some(args) => {
                whole.extend(args.split_whitespace().map(|arg| format!("-Cllvm-args={arg}")));
            }
            None => whole.extend(option.or_else(|| Some(word.to_owned()))),
        }
    }
    whole
}
