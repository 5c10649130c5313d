//! The crates in `crates`: other editions, `no_std`, all lints denied, other names.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Once;

/// Runs cargo on the crates, in their own target directory, and returns its output.
fn cargo(arguments: &[&str]) -> String {
    let output = cargo_in("crates", arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?} failed:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn cargo_in(dir: &str, arguments: &[&str]) -> Output {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = tests.join("crates");
    // Uses the workspace's versions, so that nothing is fetched. Once, before any cargo runs.
    static LOCK_FILE: Once = Once::new();
    LOCK_FILE.call_once(|| {
        for dir in [&crates, &crates.join("misnamed")] {
            std::fs::copy(tests.join("../Cargo.lock"), dir.join("Cargo.lock")).unwrap();
        }
    });
    Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--quiet", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("crates"))
        .current_dir(tests.join(dir))
        .output()
        .unwrap()
}

/// A single error says what to write, whatever the crate does with its keys.
#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_renamed_dependency_gives_one_error() {
    let output = cargo_in("crates/misnamed", &["check"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error")).collect();
    let expected = "error: this package renames its dependency `static-call`: write \
                    `#[static_call(crate = switch)]` here and at every other use";
    let [error, last] = errors[..] else { panic!("{stderr}") };
    assert_eq!(error, expected, "{stderr}");
    assert!(last.starts_with("error: could not compile `misnamed`"), "{stderr}");
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn run() {
    assert_eq!(cargo(&["run", "--package", "runner"]), "all crates work\n");
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn lints() {
    let clippy = Command::new(env!("CARGO")).args(["clippy", "--version"]).output();
    if clippy.is_ok_and(|output| output.status.success()) {
        cargo(&["clippy", "--package", "strict"]);
    } else {
        support::skipped("clippy");
    }
}
