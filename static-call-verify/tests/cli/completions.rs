//! Completions.

use super::{out, run};

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let text = out(&output);
        assert!(text.contains("cargo-static-call") && text.contains("explain"), "{shell}");
    }
    assert_eq!(run(&["completions", "ed"]).status.code(), Some(2));
}
