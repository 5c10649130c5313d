//! The wrapper of rustc: adds the arguments that make the linker run the hook.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use static_call::layout::checksum;

use super::exit::UNREADABLE;
use super::wrapper::{INNER, become_command, settings_directory};
use crate::atomic_file::Temporary;
use crate::link::driver::{Driver, DriverError, Way};
use crate::link::flags::{self, Flags};
use crate::link::install::install;
use crate::link::origin::Origin;
use crate::policy::manifest;
use crate::policy::settings::{self, Settings};
use crate::policy::{FindingKey, Level};
use crate::process;

/// Runs rustc with the command line `args`, as the wrapper in `dir`.
pub(super) fn main(dir: &Path, args: &[OsString]) -> ExitCode {
    let inner = env::var_os(INNER);
    let mut line = inner.iter().chain(args).cloned();
    let Some(program) = line.next() else {
        eprintln!("static-call: only cargo runs the wrapper of rustc");
        return ExitCode::from(UNREADABLE);
    };
    let mut command = Command::new(program);
    command.args(line);
    let expanded = expand(args);
    let words: Vec<&str> = expanded.iter().filter_map(|a| a.to_str()).collect();
    if let Some(kind) = Unit::of(&words).filter(|_| is_patched(&words)) {
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
        let own = match manifest::read(&package.join("Cargo.toml")) {
            Ok(own) => own,
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| say(true, mistake));
                return ExitCode::FAILURE;
            }
        };
        let said = Settings::read(&settings_directory(dir));
        let flags = Flags::parse(words.iter().copied());
        // Settings in `build.rs` override those in its manifest, which its hook has read.
        let hooked = flags.link_args.iter().find_map(|a| hook_directory(a));
        let base = hooked.as_deref().map_or(own, Settings::read);
        let hook_level = hooked.map(|_| base.policy().level(FindingKey::FlagsMissing));
        let settings = said.over(base);
        if !check_flags(kind, &flags, &settings, hook_level) {
            return ExitCode::FAILURE;
        }
        let mut is_hooked = hook_level.is_some();
        if is_hooked {
            command.env(settings::OVER, settings_directory(dir));
        } else {
            let strict = settings.is_strict();
            match hook(&flags, settings, dir) {
                Ok(extra) => {
                    command.args(extra);
                    is_hooked = true;
                }
                Err(why) => {
                    say(strict, &format!("no link hook, since {why}: calls stay on trampolines"));
                    if strict {
                        return ExitCode::FAILURE;
                    }
                }
            }
        }
        if is_hooked {
            return compile(&mut command, dir);
        }
    }
    become_command(&mut command)
}

/// Runs rustc, then prints the linker's line about the image.
fn compile(command: &mut Command, dir: &Path) -> ExitCode {
    let file = Temporary::new(dir.join(format!("line-{}", std::process::id())));
    let status = match command.env(settings::LINE_FILE, file.path()).status() {
        Ok(status) => status,
        Err(error) => {
            let program = Path::new(command.get_program()).display().to_string();
            eprintln!("static-call: cannot run {program}: {error}");
            return ExitCode::from(UNREADABLE);
        }
    };
    if let Ok(line) = fs::read_to_string(file.path()) {
        let name = env::var("CARGO_CRATE_NAME").unwrap_or_default();
        eprintln!("static-call: {name}: {line}");
    }
    match status.code() {
        Some(0) => ExitCode::SUCCESS,
        code => ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
    }
}

/// A crate that becomes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A binary or an example.
    Program,
    /// A shared object, a test or a benchmark.
    Other,
}

impl Unit {
    /// Returns what rustc makes with this command line, if it is an image that the user's program
    /// runs.
    fn of(args: &[&str]) -> Option<Self> {
        let values = |name: &str| {
            let mut found = Vec::new();
            for (i, arg) in args.iter().enumerate() {
                match arg.strip_prefix(name) {
                    Some("") => found.extend(args.get(i + 1).copied()),
                    Some(rest) => found.extend(rest.strip_prefix('=')),
                    None => {}
                }
            }
            found
        };
        let has =
            |found: &[&str], word: &str| found.iter().any(|v| v.split(',').any(|w| w == word));
        let emit = values("--emit");
        let links =
            emit.is_empty() || emit.iter().any(|e| e.split(',').any(|w| w.starts_with("link")));
        let is_build_script = values("--crate-name").iter().any(|n| n.starts_with("build_script_"));
        if !links || is_build_script || args.iter().any(|a| a.starts_with("--print")) {
            return None;
        }
        let types = values("--crate-type");
        if args.contains(&"--test") || has(&types, "cdylib") || has(&types, "dylib") {
            Some(Self::Other)
        } else {
            has(&types, "bin").then_some(Self::Program)
        }
    }
}

/// Returns whether calls are patched on the target of this command line.
fn is_patched(args: &[&str]) -> bool {
    let target =
        args.iter().enumerate().find_map(|(i, arg)| match arg.strip_prefix("--target")? {
            "" => args.get(i + 1).copied(),
            rest => rest.strip_prefix('='),
        });
    match target {
        None => cfg!(all(target_arch = "x86_64", target_os = "linux", target_pointer_width = "64")),
        // A custom target is a file, whose name is just as informative.
        Some(target) => {
            let name = Path::new(target).file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name.starts_with("x86_64-") && name.contains("-linux-") && !name.contains("gnux32")
        }
    }
}

/// Returns the hook's directory, if this link argument comes from a `build.rs` that already hooks
/// the link.
fn hook_directory(arg: &str) -> Option<PathBuf> {
    let path = Path::new(arg.strip_prefix("-B").or_else(|| arg.strip_prefix("--ld-path="))?);
    let dir = if path.is_dir() { path } else { path.parent()? };
    dir.join(settings::FILE).is_file().then(|| dir.to_owned())
}

/// Returns the arguments that make the link run the hook.
fn hook(flags: &Flags, mut settings: Settings, wrapper: &Path) -> Result<Vec<String>, DriverError> {
    settings.compiled = Some(flags.compiled());
    // Cargo also passes its own linker setting as a flag.
    let linker = flags.linker_or(None);
    let directory = env::current_dir().unwrap_or_default();
    let driver = Driver { name: linker, selecting: flags.selecting_args(), directory: &directory };
    // Packages of one workspace have separate settings.
    let identity = format!("{driver:?}\n{}\n{:?}", settings.to_text(), flags.flavor);
    let dir = wrapper.join(format!("{:016x}", checksum(identity.as_bytes())));
    let install_error = |source| DriverError::Install { dir: dir.clone(), source };
    let way = if flags.is_direct(linker) {
        None
    } else {
        match driver.find_way(&dir) {
            Ok(way) => Some(way),
            Err(DriverError::Deaf { .. }) => None,
            Err(why) => return Err(why),
        }
    };
    let arguments = match way {
        Some(way) => {
            if way != Way::Prefix {
                settings.linker = driver.default_linker(&dir);
            }
            let args = way.arguments(&dir);
            args.into_iter().map(|a| format!("-Clink-arg={a}")).collect()
        }
        // Without a driver, rustc runs the hook itself. Its name must be the linker's, because
        // rustc decides by it which arguments a linker takes.
        None => {
            let name = Path::new(linker).file_name().and_then(|n| n.to_str()).unwrap_or(linker);
            let link_dir = dir.join("direct");
            install(&link_dir, name).map_err(install_error)?;
            settings.linker = Some(find_program(linker));
            settings.write(&link_dir).map_err(install_error)?;
            return Ok(vec![format!("-Clinker={}", link_dir.join(name).display())]);
        }
    };
    settings.write(&dir).map_err(install_error)?;
    Ok(arguments)
}

/// Returns a linker's path. A bare name stays as it is: rustc also looks for it among its own
/// tools, and puts their directory into the linker's `PATH`.
fn find_program(linker: &str) -> PathBuf {
    if linker.contains('/') {
        std::path::absolute(linker).unwrap_or_else(|_| linker.into())
    } else {
        linker.into()
    }
}

/// Returns whether the build may go on, by the level of `flags.missing`. Prints a warning only for
/// programs, and only if the hook of `build.rs`, whose level is `hook_level`, does not print it.
fn check_flags(kind: Unit, flags: &Flags, settings: &Settings, hook_level: Option<Level>) -> bool {
    let level = settings.policy().level(FindingKey::FlagsMissing);
    let is_said = kind == Unit::Program && level == Level::Warn && hook_level < Some(Level::Warn);
    let is_denied = level == Level::Deny;
    if (is_said || is_denied) && !flags.aligns_calls() {
        say(is_denied, &flags::missing(&Origin::of_cargo(process::parent())));
        return !is_denied;
    }
    true
}

fn say(is_error: bool, message: &str) {
    eprintln!("{}: static-call: {message}", if is_error { "error" } else { "warning" });
}

/// Replaces `@file` with the lines of the file, as rustc does.
fn expand(args: &[OsString]) -> Vec<OsString> {
    let file = |arg: &OsString| fs::read_to_string(arg.to_str()?.strip_prefix('@')?).ok();
    let mut words = Vec::new();
    for arg in args {
        match file(arg) {
            Some(text) => words.extend(text.lines().map(OsString::from)),
            None => words.push(arg.clone()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(line: &str) -> Option<Unit> {
        Unit::of(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn which_crates_become_images() {
        assert_eq!(
            unit("--crate-name a --crate-type bin --emit=dep-info,link"),
            Some(Unit::Program)
        );
        assert_eq!(unit("--crate-type=bin --emit=dep-info,link=x"), Some(Unit::Program));
        assert_eq!(unit("--crate-name a --emit=dep-info,link --test"), Some(Unit::Other));
        assert_eq!(unit("--crate-type lib --crate-type cdylib"), Some(Unit::Other));
        for line in [
            "-vV",
            "- --crate-name ___ --print=file-names --crate-type bin",
            "--crate-name a --crate-type lib --emit=dep-info,metadata,link",
            "--crate-name a --crate-type bin --emit=dep-info,metadata",
            "--crate-name build_script_build --crate-type bin --emit=dep-info,link",
            "--crate-name a --crate-type proc-macro --emit=dep-info,link",
        ] {
            assert_eq!(unit(line), None, "{line}");
        }
    }

    #[test]
    fn which_targets_are_patched() {
        let on = |target: &str| is_patched(&["--target", target]);
        assert!(on("x86_64-unknown-linux-gnu") && on("x86_64-unknown-linux-musl"));
        assert!(on("/own/x86_64-own-linux-gnu.json"));
        assert!(!on("x86_64-unknown-linux-gnux32") && !on("aarch64-unknown-linux-gnu"));
        assert!(!on("x86_64-pc-windows-gnu") && !is_patched(&["--target=i686-unknown-linux-gnu"]));
    }
}
