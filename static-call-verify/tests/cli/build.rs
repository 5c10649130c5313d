//! What `cargo static-call build` says before it runs cargo.

use std::fs;

use super::{directory, err, run_in};

const MANIFEST: &str = "[package]\nname = \"x\"\nedition = \"2024\"\n[workspace]\n";

/// Nothing of this project runs in a plain `cargo build`, which so cannot say that it does not
/// verify.
#[test]
fn what_a_plain_build_does_not_do_is_said_once() {
    let note = "note: static-call: a plain `cargo build` links again and does not verify";
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
