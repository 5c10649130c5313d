//! The hook as a part of a build script: prints the lines that cargo reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::{env, fmt, io};

use super::driver::{Driver, DriverError, Way};
use super::flags::{self, Flags};
use super::origin::Origin;
use crate::arguments::{BIND, CARGO, NAMES, REPORT, STRICT};
use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level, manifest};

/// Name of the linker's directory inside `OUT_DIR`.
const DIR: &str = "static-call";

/// Prints the lines that hook this package's links, or why they cannot be hooked. Exits with an
/// error if the build must fail.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) {
    let Told { settings, mistakes, cargo } = Told::of(arguments);
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let manifest = manifest::read(&package.join("Cargo.toml"));
    for mistake in mistakes.iter().chain(manifest.as_ref().err().into_iter().flatten()) {
        say("error", mistake);
    }
    let Ok(manifest) = manifest else { exit(1) };
    if !mistakes.is_empty() {
        exit(1);
    }
    let settings = settings.over(manifest).below(&package);
    // `hook` has checked the architecture and the system.
    let is_wide = env::var("CARGO_CFG_TARGET_POINTER_WIDTH").is_ok_and(|width| width == "64");
    if !is_wide || env::var_os("CARGO_CFG_MIRI").is_some() {
        return;
    }
    let flags = Flags::from_encoded(&env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default());
    check_flags(&flags, &settings, cargo);
    let directory = manifest::workspace(&package);
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    match hook(&flags, settings.clone(), &out_dir.join(DIR), &directory) {
        Ok(arguments) => {
            for argument in arguments {
                tell("rustc-link-arg", &argument);
            }
        }
        Err(why) => {
            let level = if settings.is_strict() { "error" } else { "warning" };
            say(level, &format!("{why}; static calls stay on their trampolines. {}", fix()));
            if settings.is_strict() {
                exit(1);
            }
        }
    }
}

/// What the build script tells.
#[derive(Debug, Default, PartialEq)]
struct Told {
    settings: Settings,
    mistakes: Vec<String>,
    /// The id of cargo's process.
    cargo: u32,
}

impl Told {
    fn of(mut arguments: impl Iterator<Item = OsString>) -> Self {
        let mut told = Self::default();
        while let (Some(setting), Some(value)) = (arguments.next(), arguments.next()) {
            let (setting, text) = (setting.to_string_lossy(), value.to_string_lossy());
            match &*setting {
                CARGO => told.cargo = text.parse().unwrap_or_default(),
                REPORT => told.settings.report = Some(value.into()),
                NAMES => told.settings.names = Some(text == "true"),
                BIND => told.settings.bind = Some(text == "true"),
                STRICT => told.settings.strict = Some(text == "true"),
                level => told.level(level, &text),
            }
        }
        told
    }

    fn level(&mut self, level: &str, finding: &str) {
        let keys = FindingKey::matching(finding);
        match level.parse::<Level>().and_then(|level| Ok((level, keys?))) {
            Ok((level, keys)) => {
                self.settings.levels.extend(keys.into_iter().map(|key| (key, level)));
            }
            Err(mistake) => self.mistakes.push(format!("build.rs: {mistake}")),
        }
    }
}

/// Why the links cannot be hooked.
#[derive(Debug)]
enum NotHooked {
    Direct(String),
    Driver(DriverError),
    Settings { dir: PathBuf, source: io::Error },
    Host,
}

impl fmt::Display for NotHooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot hook the link: ")?;
        match self {
            Self::Direct(linker) => {
                write!(f, "rustc runs the linker `{linker}` itself, without a compiler driver")
            }
            Self::Driver(error) => error.fmt(f),
            Self::Settings { dir, source } => {
                write!(f, "cannot write to {}: {source}", dir.display())
            }
            Self::Host => f.write_str("this is not a Unix host"),
        }
    }
}

fn fix() -> &'static str {
    "`cargo static-call build` can hook every linker"
}

/// Returns the arguments that hook the links of a package whose rustc runs in `directory`.
fn hook(
    flags: &Flags,
    mut settings: Settings,
    dir: &Path,
    directory: &Path,
) -> Result<Vec<String>, NotHooked> {
    if !cfg!(unix) {
        return Err(NotHooked::Host);
    }
    let configured = env::var("RUSTC_LINKER").ok();
    let linker = flags.linker_or(configured.as_deref());
    if flags.is_direct(linker) {
        return Err(NotHooked::Direct(linker.to_owned()));
    }
    settings.compiled = Some(flags.compiled());
    let driver = Driver { name: linker, selecting: flags.selecting_args(), directory };
    let way = driver.find_way(dir).map_err(NotHooked::Driver)?;
    if way != Way::Prefix {
        settings.linker = driver.default_linker(dir);
    }
    settings.write(dir).map_err(|source| NotHooked::Settings { dir: dir.to_owned(), source })?;
    Ok(way.arguments(dir))
}

fn check_flags(flags: &Flags, settings: &Settings, cargo: u32) {
    if flags.aligns_calls() {
        return;
    }
    let missing = flags::missing(&Origin::of_cargo(cargo));
    match settings.policy().level(FindingKey::FlagsMissing) {
        Level::Allow => {}
        Level::Note => eprintln!("static-call: {}", missing),
        Level::Warn => say("warning", &missing),
        Level::Deny => {
            say("error", &missing);
            exit(1);
        }
    }
}

/// Prints a message that cargo shows to the user. It must be one line, or cargo would not see the
/// rest.
fn say(level: &str, message: &str) {
    tell(level, &format!("static-call: {}", message.replace('\n', " ")));
}

fn tell(name: &str, value: &str) {
    let version = env::var("CARGO_PKG_RUST_VERSION").unwrap_or_default();
    println!("{}", instruction(&version, name, value));
}

/// Returns a line for cargo, in the form required for a package that states this Rust version:
/// `cargo::` is an error in a package that must build with cargo before 1.77. The old form has no
/// `error`, but the warnings of a script that fails are shown anyway.
fn instruction(rust_version: &str, name: &str, value: &str) -> String {
    let mut numbers = rust_version.split(['.', '-']).map(|n| n.parse::<u32>());
    let is_old = match (numbers.next(), numbers.next()) {
        (Some(Ok(1)), Some(Ok(minor))) => minor < 77,
        (Some(Ok(1)), None) => true,
        _ => false,
    };
    match (is_old, name) {
        (true, "error") => format!("cargo:warning={value}"),
        (true, _) => format!("cargo:{name}={value}"),
        (false, _) => format!("cargo::{name}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_settings() {
        let told = |words: &[&str]| Told::of(words.iter().map(OsString::from));
        let Told { settings, mistakes, cargo } = told(&[
            "cargo",
            "7",
            "deny",
            "call.grade.*",
            "allow",
            "call.grade.line",
            "report",
            "a dir",
            "strict",
            "true",
            "bind",
            "true",
        ]);
        let policy = settings.policy();
        assert_eq!(policy.level(FindingKey::CallGradeStraddle), Level::Deny);
        assert_eq!(policy.level(FindingKey::CallGradeLine), Level::Allow, "the later wins");
        assert!(settings.is_strict() && settings.report == Some("a dir".into()));
        assert!(policy.binds_defaults() && mistakes.is_empty() && cargo == 7);
        let told_wrong = told(&["deny", "call.grade.lime", "warn", "call.form"]);
        assert_eq!(told_wrong.settings.levels, [(FindingKey::CallForm, Level::Warn)]);
        let [mistake] = told_wrong.mistakes.as_slice() else { panic!("{told_wrong:?}") };
        assert!(mistake.starts_with("build.rs: unknown finding `call.grade.lime`; "), "{mistake}");
        assert_eq!(told(&[]), Told::default());
    }

    #[test]
    fn old_packages_get_the_old_form() {
        for version in ["1.61", "1.76.0", "1.57.0", "1"] {
            let line = instruction(version, "rustc-link-arg", "-Bdir");
            assert_eq!(line, "cargo:rustc-link-arg=-Bdir", "{version}");
            assert_eq!(instruction(version, "error", "no"), "cargo:warning=no", "{version}");
        }
        for version in ["", "1.77", "1.77.0", "1.88", "2.0"] {
            let line = instruction(version, "rustc-link-arg", "-Bdir");
            assert_eq!(line, "cargo::rustc-link-arg=-Bdir", "{version}");
            assert_eq!(instruction(version, "error", "no"), "cargo::error=no", "{version}");
        }
    }
}
