//! The link hook: the lines that the user's build script prints for cargo, and the linker that the
//! compiler driver therefore runs.
//!
//! `build_script` → `install` (of the `program`) and `driver` (how to hook this driver) →
//! `policy::settings` (a file next to the linker) → `linker`, which parses the command line
//! (`args`), finds the linker that the user chose (`user_linker`), links with a table, stamps the
//! image, and prints a report.

mod args;
mod build_script;
pub(crate) mod driver;
pub(crate) mod flags;
pub(crate) mod install;
#[cfg(unix)]
pub(crate) mod linker;
pub(crate) mod origin;
mod program;
#[cfg(feature = "cli")]
pub(crate) mod role;
mod scratch;
mod side_files;
mod user_linker;

use std::path::PathBuf;

use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level};

/// Hooks the links of this package with the default policy. Call it in `build.rs`.
///
/// ```no_run
/// // anywhere in `main` of build.rs
/// static_call_verify::enable();
/// ```
///
/// This writes a linker into `OUT_DIR` and prints the `cargo::rustc-link-arg` lines that make the
/// compiler driver run it, for this package's binaries, tests, examples, benches, cdylibs and
/// doctests. That linker is a program of this crate and contains no code of the build script. It
/// runs the linker that you chose, stamps the image, and exits with that linker's code.
///
/// If a link cannot be hooked, a `cargo::warning` says so and the build goes on (see
/// [`LinkHook::strict`]). On anything but x86_64 Linux this does nothing and prints nothing.
pub fn enable() {
    LinkHook::new().enable();
}

/// The link hook with a custom policy.
///
/// ```no_run
/// // anywhere in `main` of build.rs
/// static_call_verify::LinkHook::new()
///     .deny("call.grade.straddle")
///     .report("target/static-call")
///     .enable();
/// ```
///
/// The settings are passed to the linker in a file.
#[derive(Debug, Default)]
pub struct LinkHook {
    settings: Settings,
    mistakes: Vec<String>,
}

impl LinkHook {
    /// Returns a hook with the default policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops reporting a finding, named by its dotted key. A pattern such as `call.grade.*` names
    /// several. If two calls name the same finding, the later one wins, and both override
    /// `[package.metadata.static-call]` in `Cargo.toml`.
    #[must_use]
    pub fn allow(self, finding: &str) -> Self {
        self.level(finding, Level::Allow)
    }

    /// Shows a finding only in the report.
    #[must_use]
    pub fn note(self, finding: &str) -> Self {
        self.level(finding, Level::Note)
    }

    /// Prints a finding with the linker's messages.
    #[must_use]
    pub fn warn(self, finding: &str) -> Self {
        self.level(finding, Level::Warn)
    }

    /// Fails the build on a finding.
    #[must_use]
    pub fn deny(self, finding: &str) -> Self {
        self.level(finding, Level::Deny)
    }

    /// Writes the report of every image to `<directory>/<image>.txt`. A relative path is relative
    /// to the package.
    #[must_use]
    pub fn report(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.report = Some(directory.into());
        self
    }

    /// Sets whether the build fails if a link cannot be hooked or an image cannot be stamped. By
    /// default this is a warning: the program is correct without a table, but its calls stay on
    /// their trampolines.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = Some(strict);
        self
    }

    /// Sets whether images get the names of the functions around calls, which the program's report
    /// shows (`CallReport::function` of `static-call`). By default they do.
    ///
    /// The names are read-only data: 48 bytes for each call instruction and jump label, and 552
    /// more. A link that leaves out all symbols (`strip = true`) has no names and reserves nothing.
    ///
    /// ```no_run
    /// static_call_verify::LinkHook::new().names(false).enable();
    /// ```
    #[must_use]
    pub fn names(mut self, names: bool) -> Self {
        self.settings.names = Some(names);
        self
    }

    /// Hooks the links of this package, see [`enable`]. Reads `[package.metadata.static-call]` in
    /// its `Cargo.toml` first:
    ///
    /// ```toml
    /// [package.metadata.static-call]
    /// deny = ["call.grade.*", "call.register"]  # or `"call.register" = "deny"`
    /// report = "target/static-call"
    /// strict = true
    /// names = false
    /// ```
    ///
    /// `[workspace.metadata.static-call]` in the workspace's `Cargo.toml` sets the same for all
    /// packages. Package settings override workspace settings. A relative `report` is relative to
    /// the manifest that has it.
    ///
    /// A build script that prints `cargo::rerun-if-changed` must also name `Cargo.toml`, so that
    /// changes of these settings are noticed. One that prints none is rerun when a file of its
    /// package changes, which usually does not include the workspace's `Cargo.toml`. `cargo
    /// static-call build` notices those changes, too.
    ///
    /// Exits the process if the build must fail: if a finding is unknown or denied, or if
    /// [`strict`](Self::strict) requires it.
    pub fn enable(self) {
        build_script::run(self.settings, &self.mistakes);
    }

    fn level(mut self, finding: &str, level: Level) -> Self {
        match FindingKey::matching(finding) {
            Ok(keys) => self.settings.levels.extend(keys.into_iter().map(|key| (key, level))),
            Err(mistake) => self.mistakes.push(format!("build.rs: {mistake}")),
        }
        self
    }
}
