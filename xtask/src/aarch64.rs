//! Runs the runtime's tests on another architecture: with the standard library built from Debian's
//! `rust-src`, under qemu's user emulation. Nothing is installed; the sources go into the target
//! directory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs};

use crate::run::{Result, cargo, output, run, scratch};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const RUNNER: &str = "qemu-aarch64-static";
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";
/// The release of Debian whose backports carry recent compilers.
const SUITE: &str = "trixie-backports";

/// Packages whose tests run. The others are build-time tools or specific to x86-64.
const PACKAGES: &[&str] = &["static-call", "static-call-tests"];

/// Runs the tests. With `--if-offered` it skips them if Debian lacks this compiler's sources.
pub(crate) fn test(args: &[String]) -> Result {
    for (program, package) in [
        (LINKER, "gcc-aarch64-linux-gnu"),
        (RUNNER, "qemu-user-static"),
        ("dpkg-deb", "dpkg"),
        ("apt-get", "apt"),
    ] {
        if output(Command::new(program).arg("--version")).is_err() {
            return Err(format!("{program} is missing: apt-get install {package}").into());
        }
    }
    let library = match library() {
        Err(e) if e.is::<NotOffered>() && args.iter().any(|a| a == "--if-offered") => {
            println!("SKIPPED: {e}");
            return Ok(());
        }
        found => found?,
    };
    let mut command = cargo(["test", "-Zbuild-std=std,panic_unwind", "--target", TARGET]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER)
        .env("QEMU_LD_PREFIX", LIBRARIES);
    run(&mut command)
}

/// The error that Debian has no sources of this version.
#[derive(Debug)]
struct NotOffered {
    version: String,
    offered: String,
}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SUITE} has no rust-src {}, only:\n{}", self.version, self.offered)
    }
}

impl std::error::Error for NotOffered {}

/// Returns the directory `library` of the standard library's sources, downloaded once per version.
pub(crate) fn library() -> Result<PathBuf> {
    let version = release()?;
    let dir = scratch("rust-src");
    let library = dir.join(format!("usr/src/rustc-{version}/library"));
    if library.join("std/Cargo.toml").exists() {
        return Ok(library);
    }
    let package = download(&dir, &version)?;
    // Nine tenths of the package are the compiler's own sources, which are not unpacked.
    let script =
        format!("dpkg-deb --fsys-tarfile \"$1\" | tar -x ./usr/src/rustc-{version}/library");
    run(Command::new("bash")
        .args(["-o", "pipefail", "-ec", &script, "unpack"])
        .arg(&package)
        .current_dir(&dir))?;
    fs::remove_file(&package)?;
    Ok(library)
}

/// Returns the compiler's version, such as `1.95.0`.
fn release() -> Result<String> {
    let printed = output(Command::new("rustc").arg("-Vv"))?;
    let release = printed.lines().find_map(|l| l.strip_prefix("release: "));
    Ok(release.ok_or("rustc does not print its release")?.to_owned())
}

/// Downloads the package of this version with separate apt directories, so that the machine's
/// package lists do not change. It uses the machine's own mirror.
fn download(dir: &Path, version: &str) -> Result<PathBuf> {
    for part in ["sources", "lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(dir.join(part))?;
    }
    fs::write(dir.join("sources/backports.sources"), sources()?)?;
    let apt = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        for (option, part) in [
            ("Dir::Etc::SourceParts", "sources"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg(format!("-o{option}={}", dir.join(part).display()));
        }
        // apt's own user may not be able to write here.
        command.args(["-oDir::Etc::SourceList=/dev/null", "-oAPT::Sandbox::User=root", "-qq"]);
        command.args(args).current_dir(dir);
        command
    };
    run(&mut apt("apt-get", &["update"]))?;
    let offered = output(&mut apt("apt-cache", &["madison", "rust-src"]))?;
    let full = offered
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|v| v.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '-'])))
        .ok_or_else(|| NotOffered { version: version.to_owned(), offered: offered.clone() })?;
    run(&mut apt("apt-get", &["download", &format!("rust-src={full}")]))?;
    let found = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    let mut packages = found.filter(|path| path.extension().is_some_and(|e| e == "deb"));
    packages.next().ok_or_else(|| "apt-get downloaded no package".into())
}

/// Returns an apt source for the backports suite, with the address and key of the machine's own.
fn sources() -> Result<String> {
    let path = "/etc/apt/sources.list.d/debian.sources";
    let own = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let field = |name: &str| own.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (Some(uri), Some(key)) = (field("URIs:"), field("Signed-By:")) else {
        return Err(format!("{path} has no `URIs:` or no `Signed-By:`").into());
    };
    Ok(format!("Types: deb\nURIs: {uri}\nSuites: {SUITE}\nComponents: main\nSigned-By: {key}\n"))
}
