//! The link hook: what the user's build script tells cargo, and the linker that the compiler driver
//! runs because of it.
//!
//! `build_script` → `install` of the `program` and `driver` (how this driver is hooked) →
//! `policy::settings` (a file beside the linker) → `linker`, which reads the command line (`args`),
//! finds the linker that the user chose (`user_linker`), links with a table, stamps the image, and
//! reports.

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

/// Hooks the links of this package with the default policy: call it in `build.rs`.
///
/// ```no_run
/// // anywhere in `main` of build.rs
/// static_call_verify::enable();
/// ```
///
/// This writes a linker into `OUT_DIR` and prints the `cargo::rustc-link-arg` lines by which the
/// compiler driver runs it, for this package's binaries, tests, examples, benches, cdylibs and
/// doctests. That linker is a program of this crate and contains no code of the build script: it
/// runs the linker that you chose, stamps the image, and exits with that linker's code.
///
/// What cannot be hooked is said in a `cargo::warning` and does not break the build (see
/// [`LinkHook::strict`]); on anything but x86_64 Linux there is nothing to do, and nothing is said.
pub fn enable() {
    LinkHook::new().enable();
}

/// The link hook with a policy of its own.
///
/// ```no_run
/// // anywhere in `main` of build.rs
/// static_call_verify::LinkHook::new()
///     .deny("call.grade.straddle")
///     .report("target/static-call")
///     .enable();
/// ```
///
/// The settings go to the linker in a file.
#[derive(Debug, Default)]
pub struct LinkHook {
    settings: Settings,
    mistakes: Vec<String>,
}

impl LinkHook {
    /// A hook with the default policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the level of a finding, named by its dotted key, to "not reported". A pattern such as
    /// `call.grade.*` names several; of two calls that name one finding, the later counts, and
    /// either counts more than `[package.metadata.static-call]` of `Cargo.toml`.
    #[must_use]
    pub fn allow(self, finding: &str) -> Self {
        self.level(finding, Level::Allow)
    }

    /// Puts a finding into the report alone.
    #[must_use]
    pub fn note(self, finding: &str) -> Self {
        self.level(finding, Level::Note)
    }

    /// Prints a finding with the linker's messages.
    #[must_use]
    pub fn warn(self, finding: &str) -> Self {
        self.level(finding, Level::Warn)
    }

    /// Makes a finding fail the build.
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

    /// Whether the build fails where a link could not be hooked or an image not be stamped. By
    /// default that is a warning: the program is right without a table, its calls only stay on
    /// their trampolines.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = Some(strict);
        self
    }

    /// Hooks the links of this package: see [`enable`]. `[package.metadata.static-call]` of its
    /// `Cargo.toml` is read first:
    ///
    /// ```toml
    /// [package.metadata.static-call]
    /// deny = ["call.grade.*", "call.register"]  # or `"call.register" = "deny"`
    /// report = "target/static-call"
    /// strict = true
    /// ```
    ///
    /// `[workspace.metadata.static-call]` of its workspace says the same for all packages; what a
    /// package says of a finding, or of another setting, counts more. A relative `report` is
    /// relative to the manifest that has it.
    ///
    /// A build script that prints `cargo::rerun-if-changed` names `Cargo.toml` there too, so that
    /// a change of these settings is seen. One that prints none is run again when a file of its
    /// package changes; the workspace's `Cargo.toml` is no such file, as a rule:
    /// `cargo static-call build` sees its changes, too.
    ///
    /// Exits the process if the build must fail: with an unknown finding, or with one that is
    /// denied, or where [`strict`](Self::strict) asks for it.
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
