//! Without an image, the command reads the package's program.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BODY, Image, directory, err, out, run_in};

const MANIFEST: &str = "[package]\nname = \"app\"\nedition = \"2024\"\n";

/// Makes a package with these programs, in its own workspace.
fn package(more: &str, programs: &[&str]) -> PathBuf {
    let dir = directory("program");
    fs::create_dir_all(dir.join("src/bin")).unwrap();
    fs::write(dir.join("Cargo.toml"), format!("{MANIFEST}{more}[workspace]\n")).unwrap();
    for program in programs {
        fs::write(dir.join(format!("src/bin/{program}.rs")), "fn main() {}\n").unwrap();
    }
    dir
}

/// Puts an image where cargo would have built it.
fn build(dir: &Path, profile: &str, program: &str) {
    let profile = dir.join("target").join(profile);
    fs::create_dir_all(profile.join(".fingerprint")).unwrap();
    let image = Image::new(BODY, &[]);
    fs::copy(image.path(), profile.join(program)).unwrap();
}

#[test]
fn the_only_program_is_read() {
    let dir = package("", &["app"]);
    let run = |args: &[&str]| run_in(&dir, args);
    let unbuilt = run(&["verify"]);
    assert_eq!(unbuilt.status.code(), Some(2));
    let said = "error: static-call: `app` is not built yet: run `cargo static-call build`";
    assert!(err(&unbuilt).starts_with(said), "{}", err(&unbuilt));
    build(&dir, "debug", "app");
    build(&dir, "x86_64-unknown-linux-gnu/release", "app");
    // The last build is read, not other files next to it.
    fs::create_dir_all(dir.join("target/doc")).unwrap();
    fs::write(dir.join("target/doc/app"), "").unwrap();
    for command in ["verify", "report"] {
        let built = run(&[command]);
        assert!(built.status.success() && out(&built).contains("module::key"), "{}", err(&built));
        let note = "note: static-call: reading target/x86_64-unknown-linux-gnu/release/app\n";
        assert_eq!(err(&built), note);
    }
    let output = run_in(&dir.join("src"), &["verify", "--format=json"]);
    assert!(out(&output).starts_with('{') && out(&output).lines().count() == 1);
    assert!(run(&["verify", "--bin=none"]).status.code() == Some(2));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn one_of_several_programs_is_chosen() {
    let dir = package("", &["one", "two"]);
    build(&dir, "debug", "one");
    build(&dir, "debug", "two");
    let output = run_in(&dir, &["verify"]);
    assert_eq!(output.status.code(), Some(2));
    for part in ["`one`, `two`", "`--bin NAME`", "`default-run`"] {
        assert!(err(&output).contains(part), "{part}: {}", err(&output));
    }
    let output = run_in(&dir, &["verify", "--bin", "two"]);
    assert!(err(&output).ends_with("reading target/debug/two\n"), "{}", err(&output));
    fs::remove_dir_all(&dir).unwrap();
    let dir = package("default-run = \"one\"\n", &["one", "two"]);
    build(&dir, "debug", "one");
    let output = run_in(&dir, &["verify"]);
    assert!(err(&output).ends_with("reading target/debug/one\n"), "{}", err(&output));
    fs::remove_dir_all(dir).unwrap();
}
