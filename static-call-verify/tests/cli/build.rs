//! Tests of what `cargo static-call build` prints before it runs cargo.

use std::fs;

use super::{directory, err, run_in};

const MANIFEST: &str = "[package]\nname = \"x\"\nedition = \"2024\"\n[workspace]\n";

/// None of this project's code runs in a plain `cargo build`, which therefore cannot say that it
/// does not verify.
#[test]
fn a_note_about_plain_builds_is_printed_once() {
    let note = "note: static-call: a plain `cargo build` links again without verifying";
    let verifier = env!("CARGO_MANIFEST_DIR");
    let has = format!("[build-dependencies]\nstatic-call-verify = {{ path = \"{verifier}\" }}\n");
    for (more, is_said) in [("", true), (&has, false)] {
        let dir = directory("plain");
        fs::create_dir_all(dir.join("src")).unwrap();
        fs::write(dir.join("Cargo.toml"), format!("{MANIFEST}{more}")).unwrap();
        fs::write(dir.join("src/main.rs"), "fn main() {}\n").unwrap();
        // Cargo has nothing to build.
        let args = ["build", "--offline", "--target-dir=target", "--bin=none"];
        let first = run_in(&dir, &args);
        assert_eq!(err(&first).starts_with(note), is_said, "{}", err(&first));
        let second = run_in(&dir, &args);
        assert!(!err(&second).contains("note: static-call"), "{}", err(&second));
        fs::remove_dir_all(dir).unwrap();
    }
}
