//! The link hook as build scripts call it.
//!
//! This is all that a build script compiles of the hook. It writes the linker (`linker.rs`), a
//! program that was compiled with this library, to `OUT_DIR`, and runs it once as the other half of
//! the build script (`link::build_script`). That prints the lines for cargo.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, exit};

use crate::arguments::{BIND, BUILD_SCRIPT, CARGO, NAMES, REPORT, STRICT};
use crate::{atomic_file, process};

/// The linker that build scripts install. It is part of the library itself: a path would be wrong
/// if the target directory is moved or partly cleaned.
const LINKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/linker"));

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
///     .deny("call.register")
///     .report("target/static-call")
///     .enable();
/// ```
///
/// The settings are passed to the linker in a file.
#[derive(Debug, Default)]
pub struct LinkHook {
    /// Pairs of a setting and its value, see `arguments`.
    arguments: Vec<OsString>,
}

impl LinkHook {
    /// Returns a hook with the default policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops reporting a finding, named by its dotted key. A pattern such as `table.*` names
    /// several. If two calls name the same finding, the later one wins, and both override
    /// `[package.metadata.static-call]` in `Cargo.toml`.
    #[must_use]
    pub fn allow(self, finding: &str) -> Self {
        self.with("allow", finding)
    }

    /// Shows a finding only in the report.
    #[must_use]
    pub fn note(self, finding: &str) -> Self {
        self.with("note", finding)
    }

    /// Prints a finding with the linker's messages.
    #[must_use]
    pub fn warn(self, finding: &str) -> Self {
        self.with("warn", finding)
    }

    /// Fails the build on a finding.
    #[must_use]
    pub fn deny(self, finding: &str) -> Self {
        self.with("deny", finding)
    }

    /// Writes the report of every image to `<directory>/<image>.txt`. A relative path is relative
    /// to the package.
    ///
    /// The report names the source line of each `call!`. Those of other calls are in the debug
    /// information, which the hook reads only with the feature `lines` of this crate. Without it
    /// the report names the function around each call, and a note in it says so. `cargo static-call
    /// report` always reads the lines.
    #[must_use]
    pub fn report(self, directory: impl Into<PathBuf>) -> Self {
        self.with(REPORT, directory.into())
    }

    /// Sets whether the build fails if a link cannot be hooked or an image cannot be stamped. By
    /// default this is a warning: the program is correct without a table, but its calls stay on
    /// their trampolines.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        self.with(STRICT, strict.to_string())
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
    pub fn names(self, names: bool) -> Self {
        self.with(NAMES, names.to_string())
    }

    /// Sets whether calls lead straight to their defaults in the file, before any update. If not,
    /// they lead to their trampolines until `static_call::init` or the first update. That is the
    /// default.
    ///
    /// A program that never updates then runs at the cost of direct calls from its first
    /// instruction on, and `init()` has nothing to do. In return, its calls do not follow a key's
    /// slot: where the system refuses to make code writable, or `STATIC_CALL=indirect` forbids it,
    /// an update is an error (`UpdateError::BoundAtLink`). Keys with `select` keep their resolver.
    ///
    /// ```no_run
    /// static_call_verify::LinkHook::new().bind_defaults(true).enable();
    /// ```
    #[must_use]
    pub fn bind_defaults(self, bind: bool) -> Self {
        self.with(BIND, bind.to_string())
    }

    /// Hooks the links of this package, see [`enable`]. Reads `[package.metadata.static-call]` in
    /// its `Cargo.toml` first:
    ///
    /// ```toml
    /// [package.metadata.static-call]
    /// deny = ["table.*", "call.register"]  # or `"call.register" = "deny"`
    /// report = "target/static-call"
    /// strict = true
    /// names = false
    /// bind = true
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
        let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
        let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
        let Some(out_dir) = out_dir.filter(|_| env::var_os("CARGO_CFG_TARGET_OS").is_some()) else {
            eprintln!("static-call: call the link hook in build.rs, which cargo runs");
            return;
        };
        if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ARCH", "x86_64") {
            return;
        }
        let program = out_dir.join(format!("static-call-linker{}", env::consts::EXE_SUFFIX));
        match self.run(&program) {
            Ok(status) if status.success() => {}
            // The program has said why.
            Ok(status) => exit(status.code().unwrap_or(1)),
            Err(error) => {
                eprintln!("static-call: cannot write and run {}: {error}", program.display());
                exit(1);
            }
        }
    }

    fn run(&self, program: &Path) -> io::Result<ExitStatus> {
        // Other processes may be doing the same, or running the file.
        if !std::fs::read(program).is_ok_and(|old| old == LINKER) {
            atomic_file::replace_with(program, LINKER, executable())?;
        }
        // What the build script has printed so far comes first.
        io::stdout().flush()?;
        let mut command = Command::new(program);
        command.args([BUILD_SCRIPT, CARGO, &process::parent().to_string()]);
        command.args(&self.arguments).status()
    }

    fn with(mut self, setting: &str, value: impl Into<OsString>) -> Self {
        self.arguments.extend([setting.into(), value.into()]);
        self
    }
}

#[cfg(unix)]
fn executable() -> Option<std::fs::Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable() -> Option<std::fs::Permissions> {
    None
}
