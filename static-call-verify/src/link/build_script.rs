//! Runs the hook in a build script: prints the lines that cargo reads.

use std::env;
use std::path::{Path, PathBuf};
use std::process::exit;

use super::driver::{Driver, DriverError, Way};
use super::flags::{self, Flags};
use super::origin::Origin;
use super::program::LINKER;
use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level, manifest};

/// Name of the directory inside `OUT_DIR`.
const DIR: &str = "static-call";

/// Prints the lines that hook this package's links, or why they cannot be hooked.
pub(crate) fn run(settings: Settings, mistakes: &[String]) {
    let Some(out_dir) =
        env::var_os("OUT_DIR").filter(|_| env::var_os("CARGO_CFG_TARGET_OS").is_some())
    else {
        eprintln!("static-call: call the link hook in build.rs, which cargo runs");
        return;
    };
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
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
    let is_patched = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && env::var_os("CARGO_CFG_MIRI").is_none();
    if !is_patched {
        return;
    }
    let flags = Flags::from_encoded(&env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default());
    check_flags(&flags, &settings);
    let directory = manifest::workspace(&package);
    match hook(&flags, settings.clone(), &PathBuf::from(out_dir).join(DIR), &directory) {
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

/// Why the links cannot be hooked.
#[derive(Debug, thiserror::Error)]
enum NotHooked {
    #[error("cannot hook the link: rustc runs the linker `{0}` itself, without a compiler driver")]
    Direct(String),
    #[error("cannot hook the link: {0}")]
    Driver(#[from] DriverError),
    #[error("cannot hook the link: cannot write to {dir}: {source}", dir = dir.display())]
    Settings { dir: PathBuf, source: std::io::Error },
    #[error("cannot hook the link: this is not a Unix host")]
    Host,
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
    let way = driver.find_way(dir, LINKER)?;
    if way != Way::Prefix {
        settings.linker = driver.default_linker(dir);
    }
    settings.write(dir).map_err(|source| NotHooked::Settings { dir: dir.to_owned(), source })?;
    Ok(way.arguments(dir))
}

fn check_flags(flags: &Flags, settings: &Settings) {
    if flags.aligns_calls() {
        return;
    }
    let missing = flags::missing(&Origin::of_cargo());
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
    use super::instruction;

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
