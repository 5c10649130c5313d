//! The crates under `crates`: other editions, `no_std`, all lints denied, other names.

#[path = "../../static-call-verify/tests/tools/mod.rs"]
#[expect(dead_code, reason = "clippy is no program of its own")]
mod tools;

use std::path::Path;
use std::process::Command;
use std::sync::Once;

/// Runs cargo on the crates, in a target directory of their own, and returns its output.
fn cargo(arguments: &[&str]) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = tests.join("crates");
    // The workspace's versions, so that nothing has to be fetched; not under the other test's cargo.
    static LOCK_FILE: Once = Once::new();
    LOCK_FILE.call_once(|| {
        std::fs::copy(tests.join("../Cargo.lock"), crates.join("Cargo.lock")).unwrap();
    });
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--quiet", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("crates"))
        .current_dir(&crates)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?} failed:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
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
        tools::skipped("clippy");
    }
}
