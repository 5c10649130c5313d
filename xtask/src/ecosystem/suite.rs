//! Runs the crates' own tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::given::Given;
use super::source::Copy;
use crate::matrix::workspace_flags;
use crate::run::{Result, cargo};

pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How a copy is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// Optimised, without the flags of the workspace.
    Plain,
    /// Optimised, with the flags.
    Release,
    /// Not optimised, with debug assertions and the flags.
    Debug,
}

impl Build {
    /// Returns the environment for cargo. All builds except the plain one keep relocations.
    pub(super) fn environment(self, dir: &Path) -> Result<Vec<(&'static str, OsString)>> {
        let mut flags = Vec::new();
        if self != Self::Plain {
            flags = workspace_flags()?;
            flags.push("-Clink-arg=-Wl,--emit-relocs".to_owned());
        }
        let mut environment = vec![
            ("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}").into()),
            ("CARGO_TARGET_DIR", dir.join("target").into()),
            ("CARGO_TERM_COLOR", "never".into()),
        ];
        if self == Self::Debug {
            environment.extend([
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0".into()),
                ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true".into()),
                ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true".into()),
                // A tenth of the random inputs for each property, because each takes much longer.
                ("QUICKCHECK_TESTS", "10".into()),
            ]);
        }
        Ok(environment)
    }
}

/// The results of a test run.
pub(super) struct Suite {
    /// Tests that passed, including those in the documentation.
    pub(super) tests: usize,
    /// Their names, except those in the documentation, which are named after lines.
    names: BTreeSet<String>,
    /// The test programs, except those of the documentation.
    pub(super) programs: Vec<PathBuf>,
}

/// Builds and runs the tests of a crate and its parts. Returns an error unless all of them pass.
pub(super) fn run(dir: &Path, copy: Copy, given: &Given, build: Build) -> Result<Suite> {
    let mut sum = Suite { tests: 0, names: BTreeSet::new(), programs: Vec::new() };
    for (package, _) in given.packages() {
        let suite = run_one(dir, copy, given, package, build)?;
        sum.tests += suite.tests;
        sum.names.extend(suite.names.iter().map(|name| format!("{package}: {name}")));
        sum.programs.extend(suite.programs);
    }
    Ok(sum)
}

fn run_one(dir: &Path, copy: Copy, given: &Given, package: &str, build: Build) -> Result<Suite> {
    let mut command = cargo(["test", "--release", "--no-fail-fast", "--target", TARGET]);
    if package == given.name {
        command.arg("--features").arg(given.features.join(","));
    }
    if build == Build::Debug {
        // Without the documentation's examples, which would test the same as with optimisation.
        command.args(["--tests", "--"]);
        command.args(given.too_slow.iter().flat_map(|part| ["--skip", part]));
    }
    command.current_dir(copy.of(dir, package)).envs(build.environment(dir)?);
    let out = command.stdin(Stdio::null()).output()?;
    let [stdout, stderr] = [&out.stdout, &out.stderr].map(|s| String::from_utf8_lossy(s));
    if !out.status.success() {
        let kept = |line: &&str| !line.ends_with("... ok");
        let stdout: Vec<_> = stdout.lines().filter(kept).collect();
        return Err(format!("its tests fail:\n{}\n{stderr}", stdout.join("\n")).into());
    }
    let programs = programs(&stderr, &dir.join("target"));
    let tests = tests(&stdout)?;
    if tests == 0 || programs.is_empty() {
        return Err("it has no tests".into());
    }
    Ok(Suite { tests, names: names(&stdout), programs })
}

impl Suite {
    /// Returns the tests of `original` that are missing here, or their number.
    pub(super) fn missing(&self, original: &Self) -> Option<String> {
        let missing: Vec<_> = original.names.difference(&self.names).cloned().collect();
        let fewer = original.tests.saturating_sub(self.tests);
        match (missing.is_empty(), fewer) {
            (false, _) => Some(missing.join(", ")),
            (true, 0) => None,
            (true, _) => Some(format!("{fewer} of {}", original.tests)),
        }
    }
}

/// Returns the sum over the lines `test result: ok. N passed; 0 failed; ..`.
fn tests(printed: &str) -> Result<usize> {
    let results = printed.lines().filter_map(|line| line.strip_prefix("test result: "));
    let mut sum = 0;
    for result in results {
        let passed = result.strip_prefix("ok. ").and_then(|rest| rest.split(' ').next());
        let passed = passed.and_then(|number| number.parse::<usize>().ok());
        sum += passed.ok_or_else(|| format!("not a passing test result: {result}"))?;
    }
    Ok(sum)
}

/// Returns the names in lines `test NAME ... ok`, except those with a line of the documentation.
fn names(printed: &str) -> BTreeSet<String> {
    let passed =
        printed.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"));
    passed.filter(|name| !name.contains(" (line ")).map(str::to_owned).collect()
}

/// Returns the programs that cargo says it runs: `Running unittests src/lib.rs (path)`.
fn programs(messages: &str, target: &Path) -> Vec<PathBuf> {
    let running = messages.lines().filter_map(|line| line.trim_start().strip_prefix("Running "));
    let paths = running.filter_map(|line| line.strip_suffix(')')?.rsplit_once('('));
    // Some paths are relative to cargo's directory, so only the file names are used.
    let names = paths.filter_map(|(_, path)| Some(Path::new(path).file_name()?.to_owned()));
    let deps = target.join(TARGET).join("release/deps");
    let named: BTreeMap<_, _> = names.map(|name| (name.clone(), deps.join(name))).collect();
    named.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Suite, names, programs, tests};

    #[test]
    fn results_add_up_or_are_refused() {
        let text = "running 2 tests\n\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured\n\
                    test result: ok. 40 passed; 0 failed\n";
        assert_eq!(tests(text).unwrap(), 42);
        assert_eq!(tests("").unwrap(), 0);
        assert!(tests("test result: FAILED. 1 passed; 1 failed").is_err());
    }

    #[test]
    fn tests_that_a_patch_removes_are_named() {
        let suite = |printed: &str| {
            let tests = printed.lines().count();
            Suite { tests, names: names(printed), programs: Vec::new() }
        };
        let original = suite("test a::b ... ok\ntest src/lib.rs - (line 3) ... ok\n");
        let other = suite("test a::c ... ok\ntest c ... ok\ntest src/lib.rs - (line 3) ... ok\n");
        assert_eq!(other.missing(&original), Some("a::b".to_owned()));
        let fewer = suite("test a::b ... ok\n");
        assert_eq!(fewer.missing(&original), Some("1 of 2".to_owned()));
        let moved = suite("test a::b ... ok\ntest src/lib.rs - (line 4) ... ok\ntest c ... ok\n");
        assert_eq!(moved.missing(&original), None);
    }

    #[test]
    fn programs_that_ran_are_found() {
        let text = "   Compiling a v1.0.0 (/a)\n     \
                    Running unittests src/lib.rs (target/x/a-1)\n     \
                    Running tests/uri.rs (/t/uri-2)\n   Doc-tests a\n";
        let deps = PathBuf::from("/t/x86_64-unknown-linux-gnu/release/deps");
        assert_eq!(programs(text, Path::new("/t")), [deps.join("a-1"), deps.join("uri-2")]);
    }
}
