//! Where cargo's `rustflags` come from: it is wrong advice to write them into a file if the
//! environment replaces those of all files.

use std::env;
use std::fs;

/// What replaces or hides the flags in cargo's configuration files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing that we know of.
    Files,
    /// This variable, which cargo reads instead of all files.
    Replaced(&'static str),
    /// Flags for the target from here, because of which cargo ignores `[build] rustflags`.
    Hidden(String),
}

/// The variables that replace the flags of all files, in cargo's order of preference. Cargo sets
/// the first one itself for build scripts.
pub(crate) const REPLACING: [&str; 2] = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"];

impl Origin {
    /// Returns the origin for the process of this id, which is cargo. A build script does not see
    /// `RUSTFLAGS`, which cargo removes, so this looks for it in cargo's own environment.
    pub(crate) fn of_cargo(process: u32) -> Self {
        let cargo = format!("/proc/{process}");
        let words = |name| {
            let text = fs::read(format!("{cargo}/{name}")).unwrap_or_default();
            let words = text.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned());
            words.collect::<Vec<_>>()
        };
        let mut variables = words("environ");
        let own = env::vars_os().filter(|(name, _)| name != REPLACING[0]);
        variables.extend(own.map(|(name, value)| {
            format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
        }));
        Self::of(&variables, &words("cmdline"))
    }

    fn of(variables: &[String], line: &[String]) -> Self {
        let variables = || variables.iter().filter_map(|variable| variable.split_once('='));
        // Even if it is empty.
        if let Some(name) = REPLACING.into_iter().find(|n| variables().any(|(v, _)| v == *n)) {
            return Self::Replaced(name);
        }
        let is_of_target = |name: &str| {
            name.strip_prefix("CARGO_TARGET_X86_64_")
                .and_then(|rest| rest.strip_suffix("_RUSTFLAGS"))
                .is_some_and(|rest| rest.split('_').any(|part| part == "LINUX"))
        };
        if let Some((name, _)) = variables().find(|(n, value)| is_of_target(n) && !value.is_empty())
        {
            return Self::Hidden(name.to_owned());
        }
        let after = |i: usize| line.get(i + 1).map(String::as_str).unwrap_or_default();
        let mut configured = line.iter().enumerate().filter_map(|(i, word)| match word.as_str() {
            "--config" => Some(after(i)),
            _ => word.strip_prefix("--config="),
        });
        let is_of_target = |c: &&str| c.trim_start().starts_with("target.");
        match configured.find(|c| is_of_target(c) && c.contains("rustflags")) {
            Some(_) => Self::Hidden("`--config`".to_owned()),
            None => Self::Files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[&str], line: &str) -> Origin {
        let variables: Vec<String> = variables.iter().map(|v| (*v).to_owned()).collect();
        Origin::of(&variables, &line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_cargo_prefers() {
        let target = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-O";
        assert_eq!(of(&["PATH=/bin", "RUSTFLAGS=-g", target], ""), Origin::Replaced("RUSTFLAGS"));
        assert_eq!(of(&["RUSTFLAGS="], ""), Origin::Replaced("RUSTFLAGS"));
        let both = ["RUSTFLAGS=-g", "CARGO_ENCODED_RUSTFLAGS=-O"];
        assert_eq!(of(&both, ""), Origin::Replaced("CARGO_ENCODED_RUSTFLAGS"));
        let name = target.trim_end_matches("=-O");
        assert_eq!(of(&[target], "cargo build"), Origin::Hidden(name.into()));
        for line in
            ["cargo --config target.x.rustflags=[] b", "cargo b --config=target.x.rustflags=''"]
        {
            assert_eq!(of(&[], line), Origin::Hidden("`--config`".into()), "{line}");
        }
    }

    #[test]
    fn what_does_not_matter() {
        for variable in [
            "CARGO_BUILD_RUSTFLAGS=-g",
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-g",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=cc",
            "RUSTDOCFLAGS=-g",
        ] {
            assert_eq!(of(&[variable], "cargo build --config build.jobs=1"), Origin::Files);
        }
    }
}
