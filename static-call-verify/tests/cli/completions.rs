//! Tests of completions, as shells use them.

use std::fs;
use std::process::Command;

use super::{directory, err, images, out, run};

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

/// Returns what a shell proposes for a line whose last word is being typed.
fn proposed(shell: &str, script: &str, line: &[&str]) -> Vec<String> {
    let dir = directory("completions");
    let file = dir.join("completions");
    fs::write(&file, out(&run(&["completions", shell]))).unwrap();
    let script = script.replace("FILE", file.to_str().unwrap());
    let mut command = Command::new(shell);
    command.args(["-c", &script]);
    if shell == "bash" {
        command.arg("bash");
    }
    let output = command.args(line).current_dir(&dir).env("HOME", &dir).output().unwrap();
    assert_eq!(err(&output), "", "{line:?}");
    fs::remove_dir_all(dir).unwrap();
    let mut words = Vec::new();
    for line in out(&output).lines() {
        words.extend(line.split('\t').next().map(str::to_owned));
    }
    words
}

fn bash(line: &[&str]) -> Vec<String> {
    bash_after("complete -F _old cargo", line)
}

/// Calls the function that is registered for the first word, as bash does.
fn bash_after(before: &str, line: &[&str]) -> Vec<String> {
    const SCRIPT: &str = r#"
        _old() { COMPREPLY=("old $2"); }
        BEFORE
        source FILE
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        function=$(complete -p "$1"); function=${function#* -F }; function=${function%% *}
        "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        [[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
    "#;
    proposed("bash", &SCRIPT.replace("BEFORE", before), line)
}

fn fish(line: &[&str]) -> Vec<String> {
    const SCRIPT: &str = "source FILE; complete -C \"$argv\"";
    proposed("fish", SCRIPT, line)
}

#[test]
fn proposals_of_shells() {
    type Proposed = fn(&[&str]) -> Vec<String>;
    let shells: [(&str, Proposed); 2] = [("bash", bash), ("fish", fish)];
    for (shell, proposed) in shells {
        if !images::have(&[shell]) {
            continue;
        }
        for start in
            [&["cargo-static-call"][..], &["cargo", "static-call"], &["cargo", "+x", "static-call"]]
        {
            let proposed = |rest: &[&str]| proposed(&[start, rest].concat());
            assert_eq!(proposed(&["ver"]), ["verify"], "{shell} {start:?}");
            let all = proposed(&[""]);
            assert!(all.contains(&"explain".to_owned()), "{shell} {start:?}: {all:?}");
            let formats = proposed(&["verify", "--for"]);
            assert_eq!(formats, ["--format"], "{shell} {start:?}");
            let formats = proposed(&["verify", "--format", "s"]);
            assert_eq!(formats, ["sarif"], "{shell} {start:?}");
            let grades = ["call.grade.line", "call.grade.straddle"];
            assert_eq!(proposed(&["--deny", "call.gr"]), grades, "{shell} {start:?}");
            assert_eq!(proposed(&["build", "--deny", "call.gr"]), grades, "{shell} {start:?}");
            assert_eq!(proposed(&["explain", "call.gr"]), grades, "{shell} {start:?}");
            if shell == "fish" {
                // Bash itself falls back to files.
                assert_eq!(proposed(&["verify", "compl"]), ["completions"], "{start:?}");
            }
        }
    }
    if images::have(&["bash"]) {
        assert_eq!(bash(&["cargo", "bui"]), ["old bui"], "the old completions of cargo still work");
        let late = "_comp_load() { complete -F _old cargo; }";
        assert_eq!(
            bash_after(late, &["cargo", "bui"]),
            ["old bui"],
            "completions that are loaded on demand"
        );
        assert_eq!(bash_after("", &["cargo", "bui"]), [""; 0]);
    }
}
