//! The README's two commands as on a fresh machine: stable Rust, gcc and binutils, and no other
//! linker, compiler driver or debugger. What the tests skip there they do here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Result, cargo, output, run, scratch, shown};
use crate::tasks;

/// What a machine has besides Rust: gcc, binutils, and what every system has.
const PROGRAMS: &[&str] = &[
    "cc", "gcc", "ar", "as", "ld", "ld.bfd", "nm", "objcopy", "objdump", "readelf", "strip", "sh",
    "bash", "cat", "chmod", "cp", "dirname", "env", "head", "kill", "mkfifo", "mv", "rm", "sleep",
    "tar", "tr", "true", "uname",
];
/// With this a test that skips something fails (`static-call-verify/tests/tools`).
const SKIP: &str = "STATIC_CALL_TESTS_SKIP";

/// Runs the commands there, then what was skipped with everything that this machine has.
pub(crate) fn fresh(_: &[String]) -> Result {
    let path = path()?;
    println!("PATH={path}");
    tasks::run_quickstart(cargo(["run", "--release", "--bin", "quickstart"]).env("PATH", &path))?;
    let mut test = cargo(["test", "--workspace"]);
    let skipped = skipped_by(test.env("PATH", &path).env_remove(SKIP))?;
    if skipped.is_empty() {
        return Err("no test was skipped: other linkers are found where none should be".into());
    }
    println!("\nskipped there, now with all that is needed: {skipped:#?}");
    for (target, tests) in skipped {
        let mut command = cargo(["test", "--workspace", "--test"]);
        command.arg(target).args(["--", "--exact"]).args(tests);
        run(command.env(SKIP, "forbid"))?;
    }
    Ok(())
}

/// A search path on which nothing is but [`PROGRAMS`] and the tools of this Rust.
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
    // The toolchain itself, not rustup's proxies, which stand beside what cargo has installed.
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let tools = PathBuf::from(sysroot.trim()).join("bin");
    Ok(format!("{}:{}", tools.display(), dir.display()))
}

/// Runs cargo, shows what it says, and returns the skipped tests by their target.
fn skipped_by(command: &mut Command) -> Result<BTreeMap<String, Vec<String>>> {
    eprintln!("$ {}", shown(command));
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut skipped = Skipped::default();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).split(b'\n') {
        let line = line?;
        let mut stderr = std::io::stderr().lock();
        stderr.write_all(&line)?;
        stderr.write_all(b"\n")?;
        skipped.hear(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    if status.success() { Ok(skipped.tests) } else { Err(format!("cargo test: {status}").into()) }
}

/// What cargo and the tests say: which target runs, and which of its tests is skipped.
#[derive(Debug, Default)]
struct Skipped {
    target: String,
    tests: BTreeMap<String, Vec<String>>,
}

impl Skipped {
    fn hear(&mut self, line: &str) {
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
    fn skipped_tests_are_heard_by_their_target() {
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
            skipped.hear(line);
        }
        let tests: Vec<_> =
            skipped.tests.iter().map(|(t, n)| format!("{t}: {}", n.join(" "))).collect();
        assert_eq!(
            tests,
            ["hook: mold shared_object", "rules: unwind::a_debugger", "valgrind: calls_are_inline"]
        );
    }
}
