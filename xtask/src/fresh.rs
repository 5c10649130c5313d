//! Runs the README's two commands as on a fresh machine, which has stable Rust, gcc and binutils,
//! but no other linker, compiler driver or debugger. Then it runs the tests that were skipped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Result, cargo, output, run, scratch, shown};
use crate::tasks;

/// What a fresh machine has besides Rust: gcc, binutils, and what every system has.
const PROGRAMS: &[&str] = &[
    "cc", "gcc", "ar", "as", "ld", "ld.bfd", "nm", "objcopy", "objdump", "readelf", "strip", "sh",
    "bash", "cat", "chmod", "cp", "dirname", "env", "head", "kill", "mkfifo", "mv", "rm", "sleep",
    "tar", "tr", "true", "uname",
];
/// With this variable a test that would be skipped fails (`static-call-verify/tests/tools`).
const SKIP: &str = "STATIC_CALL_TESTS_SKIP";

/// Runs the commands, then the skipped tests with everything that this machine has.
pub(crate) fn fresh(_: &[String]) -> Result {
    let path = path()?;
    println!("PATH={path}");
    tasks::run_quickstart(cargo(["run", "--release", "--bin", "quickstart"]).env("PATH", &path))?;
    let mut test = cargo(["test", "--workspace"]);
    let skipped = skipped_by(test.env("PATH", &path).env_remove(SKIP))?;
    if skipped.is_empty() {
        return Err("no test was skipped, so PATH has linkers that it should not have".into());
    }
    println!("\nrunning the skipped tests with everything installed: {skipped:#?}");
    for (target, tests) in skipped {
        let mut command = cargo(["test", "--workspace", "--test"]);
        command.arg(target).args(["--", "--exact"]).args(tests);
        run(command.env(SKIP, "forbid"))?;
    }
    Ok(())
}

/// Returns a search path that has only [`PROGRAMS`] and the tools of this Rust.
fn path() -> Result<String> {
    let dir = scratch("fresh");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir)?;
    let search = std::env::var_os("PATH").unwrap_or_default();
    for program in PROGRAMS {
        let mut places = std::env::split_paths(&search).map(|dir| dir.join(program));
        let found = places.find(|file| file.is_file());
        symlink(found.ok_or_else(|| format!("{program} is not installed"))?, dir.join(program))?;
    }
    // The toolchain itself, not rustup's proxies: their directory has what cargo has installed.
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let tools = PathBuf::from(sysroot.trim()).join("bin");
    Ok(format!("{}:{}", tools.display(), dir.display()))
}

/// Runs cargo, shows its output, and returns the skipped tests by target.
fn skipped_by(command: &mut Command) -> Result<BTreeMap<String, Vec<String>>> {
    eprintln!("$ {}", shown(command));
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut skipped = Skipped::default();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).split(b'\n') {
        let line = line?;
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(&line)?;
        stderr.write_all(b"\n")?;
        skipped.read(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    if status.success() { Ok(skipped.tests) } else { Err(format!("cargo test: {status}").into()) }
}

/// What the output of cargo and the tests says: which target runs, and which tests it skips.
#[derive(Debug, Default)]
struct Skipped {
    target: String,
    tests: BTreeMap<String, Vec<String>>,
}

impl Skipped {
    fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(running) = line.strip_prefix("Running ") {
            let source = Path::new(running.split(' ').next().unwrap_or_default());
            // `tests/hook.rs` or `tests/hook/main.rs`.
            let is_main = source.file_name().is_some_and(|name| name == "main.rs");
            let named = if is_main { source.parent().unwrap_or(source) } else { source };
            self.target = named.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        } else if let Some(test) = line.strip_prefix("skipped: ") {
            let test = test.split(": ").next().unwrap_or_default().to_owned();
            let tests = self.tests.entry(self.target.clone()).or_default();
            if !tests.contains(&test) {
                tests.push(test);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Skipped;

    #[test]
    fn skipped_tests_are_collected_by_target() {
        let mut skipped = Skipped::default();
        for line in [
            "     Running tests/hook.rs (target/debug/deps/hook-90351890509f10b6)",
            "skipped: mold: ld.mold is not installed",
            "skipped: shared_object: ld.mold is not installed",
            "skipped: mold: ld.gold is not installed",
            "     Running unittests src/lib.rs (target/debug/deps/static_call-588be6d7ebe45760)",
            "     Running tests/valgrind.rs (target/debug/deps/valgrind-0)",
            "skipped: calls_are_inline: valgrind is not installed",
            "     Running tests/rules/main.rs (target/debug/deps/rules-0)",
            "skipped: unwind::a_debugger: gdb is not installed",
        ] {
            skipped.read(line);
        }
        let tests: Vec<_> =
            skipped.tests.iter().map(|(t, n)| format!("{t}: {}", n.join(" "))).collect();
        assert_eq!(
            tests,
            ["hook: mold shared_object", "rules: unwind::a_debugger", "valgrind: calls_are_inline"]
        );
    }
}
