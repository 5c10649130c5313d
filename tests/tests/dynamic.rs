//! Keys in a Rust `dylib`, and in the program that uses it (`crates/dynamic`).

use std::path::Path;
use std::process::Command;

/// Builds and runs the program with these flags; what it reports.
fn run(name: &str, flags: &str, profile: &[&str]) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = tests.join("crates/dynamic");
    std::fs::copy(tests.join("../Cargo.lock"), workspace.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet", "--package", "game", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("dynamic").join(name))
        .args(profile)
        .current_dir(&workspace)
        .env("RUSTFLAGS", flags)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{flags} {profile:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The keys of the library are bound in it, by their trampolines, and listed; so is every site of the
/// library's own code. Of the program's keys the report says that there are some.
fn check(name: &str, flags: &str, profile: &[&str]) {
    let report = run(name, flags, profile);
    for part in [
        "engine::damage  (engine/src/lib.rs:7)\n",
        "shared::own  (shared/src/lib.rs:7)\n",
        "trampoline     1 x ",
        "3 updated keys are in another image than the runtime",
        "static-call: 7 keys, 8 sites, 9 calls: ",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("left alone"), "{report}");
}

const GNU_LD: &str = "-Clinker-features=-lld";

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn in_development() {
    check("lld", "", &[]);
}

#[test]
#[ignore = "three more builds: cargo xtask test-rest"]
fn in_every_way() {
    check("lld", "", &["--release"]);
    check("gnu", GNU_LD, &[]);
    check("gnu", GNU_LD, &["--release"]);
}
