//! The settings of the linker role, in a file next to its executable.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::keys::FindingKey;
use super::level::Level;
use super::rules::Policy;
use crate::atomic_file;
use crate::compiled::Compiled;

/// Name of the file.
pub(crate) const FILE: &str = "static-call-settings";
/// The variable with which `cargo static-call` passes the directory of its own settings to a hook
/// that `build.rs` installed. Drivers disagree about which of two `-B` options wins; this works
/// with all.
pub(crate) const OVER: &str = "STATIC_CALL_SETTINGS_OVER";

/// The variable with which the wrapper of rustc names the file for the line about the image: what a
/// linker prints is shown only through a lint.
pub(crate) const LINE_FILE: &str = "STATIC_CALL_LINE_FILE";

/// The settings of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Levels that were set, in order.
    pub(crate) levels: Vec<(FindingKey, Level)>,
    /// Directory of the reports.
    pub(crate) report: Option<PathBuf>,
    /// Whether the link fails if the image cannot be stamped, if set.
    pub(crate) strict: Option<bool>,
    /// Whether images get the names of functions, if set.
    pub(crate) names: Option<bool>,
    /// Whether calls lead to their defaults in the file, if set.
    pub(crate) bind: Option<bool>,
    /// The linker to run if the driver's command line names none or, if no driver is run, the
    /// linker.
    pub(crate) linker: Option<PathBuf>,
    /// How the image is compiled, if known.
    pub(crate) compiled: Option<Compiled>,
}

impl Settings {
    /// Returns the policy.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        for (key, level) in &self.levels {
            policy.set(*key, *level);
        }
        policy.set_bind_defaults(self.bind.unwrap_or(false));
        policy
    }

    /// Returns whether the link fails if the image cannot be stamped; by default it does not.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict.unwrap_or(false)
    }

    /// Returns whether images get the names of functions; by default they do.
    pub(crate) fn has_names(&self) -> bool {
        self.names.unwrap_or(true)
    }

    /// Returns these settings, completed with those of `base`.
    pub(crate) fn over(self, mut base: Self) -> Self {
        base.levels.extend(self.levels);
        base.report = self.report.or(base.report);
        base.linker = self.linker.or(base.linker);
        base.strict = self.strict.or(base.strict);
        base.names = self.names.or(base.names);
        base.bind = self.bind.or(base.bind);
        base.compiled = self.compiled.or(base.compiled);
        base
    }

    /// Returns the settings with their paths relative to `directory`.
    pub(crate) fn below(mut self, directory: &Path) -> Self {
        self.report = self.report.map(|report| directory.join(report));
        self
    }

    /// Formats the settings as lines of `name value`.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (key, level) in &self.levels {
            text += &format!("level {key} {level}\n");
        }
        for (name, path) in [("report", &self.report), ("linker", &self.linker)] {
            if let Some(path) = path {
                text += &format!("{name} {}\n", path.display());
            }
        }
        let switches = [("strict", self.strict), ("names", self.names), ("bind", self.bind)];
        for (name, is_set) in switches {
            if let Some(is_set) = is_set {
                text += &format!("{name} {is_set}\n");
            }
        }
        if let Some(compiled) = self.compiled {
            text += &format!("compiled {}\n", compiled.to_text());
        }
        text
    }

    fn from_text(text: &str) -> Self {
        let mut settings = Self::default();
        for line in text.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("level", value) => {
                    if let Some((key, level)) = value.split_once(' ')
                        && let (Ok(key), Ok(level)) = (key.parse(), level.parse())
                    {
                        settings.levels.push((key, level));
                    }
                }
                ("report", path) => settings.report = Some(path.into()),
                ("linker", path) => settings.linker = Some(path.into()),
                ("strict", value) => settings.strict = value.parse().ok(),
                ("names", value) => settings.names = value.parse().ok(),
                ("bind", value) => settings.bind = value.parse().ok(),
                ("compiled", value) => settings.compiled = Some(Compiled::from_text(value)),
                _ => {}
            }
        }
        settings
    }

    /// Returns the settings of the hook in `dir`, overridden by those of the command line that runs
    /// it.
    pub(crate) fn of_hook(dir: &Path) -> Self {
        let base = Self::read(dir);
        match std::env::var_os(OVER) {
            Some(over) => Self::read(Path::new(&over)).over(base),
            None => base,
        }
    }

    /// Writes the file into `dir`, which is created if necessary.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        atomic_file::replace(&dir.join(FILE), self.to_text().as_bytes())
    }

    /// Reads the file in `dir`; returns the defaults if there is none.
    pub(crate) fn read(dir: &Path) -> Self {
        fs::read_to_string(dir.join(FILE)).map(|text| Self::from_text(&text)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let settings = Settings {
            levels: vec![
                (FindingKey::CallGradeStraddle, Level::Deny),
                (FindingKey::CallGradeStraddle, Level::Allow),
            ],
            report: Some("/a path/with blanks".into()),
            strict: Some(true),
            names: Some(false),
            bind: Some(true),
            linker: Some("/usr/bin/ld.lld".into()),
            compiled: Some(Compiled::from_text("align-calls")),
        };
        assert_eq!(Settings::from_text(&settings.to_text()), settings);
        assert_eq!(Settings::from_text(""), Settings::default());
        assert_eq!(settings.policy().level(FindingKey::CallGradeStraddle), Level::Allow);
    }

    #[test]
    fn settings_override_those_below() {
        let said = |level, strict, report: Option<&str>| Settings {
            levels: vec![(FindingKey::CallForm, level)],
            strict,
            report: report.map(Into::into),
            names: strict,
            bind: strict,
            linker: None,
            compiled: None,
        };
        let base = said(Level::Deny, Some(true), Some("below"));
        let over = said(Level::Note, Some(false), None).over(base.clone());
        assert_eq!(over.policy().level(FindingKey::CallForm), Level::Note);
        assert!(!over.is_strict() && over.report == Some("below".into()));
        assert!(base.policy().binds_defaults() && !over.policy().binds_defaults());
        assert!(!over.has_names() && base.has_names() && Settings::default().has_names());
        assert_eq!(Settings::default().over(base.clone()), base);
    }
}
