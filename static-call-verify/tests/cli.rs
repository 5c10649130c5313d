//! Tests of the command as a person or a script uses it: its output and its exit codes.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "cli/build.rs"]
mod build;
#[path = "cli/completions.rs"]
mod completions;
#[path = "images/mod.rs"]
mod images;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/schema.rs"]
mod schema;
#[path = "cli/text.rs"]
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use images::{fresh, function, image};
use serde_json::Value;
use static_call_verify::FindingKey;

/// Calls of every grade, a tail call, an address in a register, in code and in data.
const BODY: &str = "\
    call tramp              # quad
    .nops 2
    call tramp              # disp
    .p2align 4
    .skip 5, 0x90
    call tramp              # line
    .p2align 6
    .skip 61, 0x90
    call site_tramp         # straddle
    .p2align 3
    jmp tramp
    lea tramp(%rip), %rax
    ret
    .data
    .quad tramp
    .text";

/// A file that is removed when dropped.
struct Image(PathBuf);

impl Image {
    fn new(body: &str, args: &[&str]) -> Self {
        Self::of(&image(&function("_start", body), args))
    }

    fn of(bytes: &[u8]) -> Self {
        let path = fresh("cli-image");
        fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs the command in a directory that has no manifest in it or above it.
fn run(args: &[&str]) -> Output {
    run_in(Path::new("/"), args)
}

fn run_in(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-static-call"));
    command
        .arg("static-call")
        .args(args)
        .current_dir(dir)
        .env("CARGO", env!("CARGO"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Creates a directory for one test.
fn directory(name: &str) -> PathBuf {
    let dir = fresh(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn sarif_has_rules_levels_and_places() {
    let image = Image::new(BODY, &[]);
    let args = ["--deny", "call.grade.straddle", "verify", "--format", "sarif", image.path()];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), FindingKey::ALL.len());
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(place.is_string(), "{result}");
    }
    let denied = results.iter().find(|result| result["level"] == "error").unwrap();
    let place = &denied["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "file.rs");
    assert_eq!(place["region"], serde_json::json!({ "startLine": 11, "startColumn": 13 }));
    assert_eq!(denied["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "_start");
}

#[test]
fn html_is_a_page_about_one_image() {
    let image = Image::new(BODY, &[]);
    let output = run(&["verify", "--format", "html", image.path()]);
    assert_eq!(output.status.code(), Some(0));
    let page = out(&output);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("module::key"), "{page}");
    let two = run(&["verify", "--format", "html", image.path(), "/bin/sh"]);
    assert_eq!((two.status.code(), out(&two)), (Some(2), ""));
    assert!(err(&two).contains("a page shows one image"), "{}", err(&two));
}

#[test]
fn exit_codes() {
    let image = Image::new(BODY, &[]);
    let code = |args: &[&str]| {
        let output = run(args);
        (output.status.code(), err(&output).to_owned())
    };
    for command in ["verify", "report"] {
        assert_eq!(code(&[command, image.path()]), (Some(0), String::new()));
        assert_eq!(code(&[command, "/bin/sh"]).0, Some(0));
        let (denied, said) = code(&[command, "--deny", "call.grade.*", image.path()]);
        assert_eq!(denied, Some(1));
        assert!(said.contains("2 findings are denied"), "{said}");
        let (unread, said) = code(&[command, "/nowhere"]);
        assert_eq!(unread, Some(2));
        assert!(said.starts_with("error: static-call: /nowhere: No such file"), "{said}");
        let (unread, said) = code(&[command, "/etc/passwd"]);
        assert_eq!((unread, said.contains("this is not an ELF file")), (Some(2), true), "{said}");
        assert_eq!(code(&[command, "/etc", image.path()]).0, Some(2), "the worst exit code wins");
    }
    // An image that can be read is printed even if another cannot.
    let output = run(&["verify", "/nowhere", image.path()]);
    assert!(out(&output).contains("module::key"));
    assert_eq!(code(&["verify"]).0, Some(2));
    assert_eq!(code(&["--deny", "nothing", "verify", image.path()]).0, Some(2));
}

#[test]
fn the_text_names_paths_grades_and_numbers() {
    let image = Image::stamped(BODY);
    let text = out(&run(&["verify", image.path()])).to_owned();
    assert!(!text.contains('\x1b'), "no colours unless on a terminal");
    for part in [
        "module::key  5 of 5 calls inline (2 in steps), 2 other uses of the trampoline",
        "call          quad      inline ",
        "call          disp      inline ",
        "call          line      inline, steps ",
        "call          straddle  inline, steps  file.rs:11:13 (call!)",
        "jmp           quad      inline ",
        "address taken",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let last = "static-call: 1 key, 2 sites, 5 calls: 5 inline, 0 trampoline, 0 indirect";
    assert_eq!(text.lines().last(), Some(last));
    let coloured = run(&["verify", "--color", "always", image.path()]);
    for path in ["inline", "inline, steps"] {
        assert!(out(&coloured).contains(&format!("\x1b[32m{path}\x1b[0m")), "{}", out(&coloured));
    }

    let nothing = run(&["verify", "/bin/sh"]);
    assert!(out(&nothing).starts_with("no static calls in this position-independent executable\n"));
}

#[test]
fn levels_from_the_manifest() {
    let image = Image::new(BODY, &[]);
    let dir = directory("cli-manifest");
    let deep = dir.join("src/deep");
    fs::create_dir_all(&deep).unwrap();
    let manifest = dir.join("Cargo.toml");
    let write = |text: &str| {
        fs::write(
            &manifest,
            format!("[package]\nname = \"x\"\n[package.metadata.static-call]\n{text}\n"),
        )
        .unwrap();
    };
    let code = |args: &[&str]| {
        let output = run_in(&deep, &[args, &[image.path()]].concat());
        (output.status.code(), err(&output).to_owned())
    };
    write("deny = [\"call.grade.*\"]");
    assert_eq!(code(&["verify"]).0, Some(1));
    assert_eq!(code(&["--warn", "call.grade.*", "verify"]).0, Some(0), "the command line wins");
    write("call.grade.line = \"deny\"");
    assert_eq!(code(&["verify"]).0, Some(1));
    let path = manifest.to_str().unwrap();
    let elsewhere = run(&["verify", "--manifest-path", path, image.path()]);
    assert_eq!(elsewhere.status.code(), Some(1));
    write("deny = [\"call.grade.lime\"]");
    let (status, said) = code(&["verify"]);
    assert_eq!(status, Some(2));
    let expected = format!(
        "error: static-call: {path}:4: [package.metadata.static-call]: unknown finding \
         `call.grade.lime`; did you mean `call.grade.line`?\n"
    );
    assert_eq!(said, expected);
    assert_eq!(code(&["verify", "--manifest-path", "/nowhere/Cargo.toml"]).0, Some(2));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn findings_are_explained() {
    let list = run(&["explain"]);
    for key in FindingKey::ALL {
        assert!(out(&list).lines().any(|line| line.starts_with(key.as_str())), "{key}");
        let one = run(&["explain", key.as_str()]);
        let text = out(&one);
        assert!(text.starts_with(&format!("{key}\n")), "{text}");
        for part in ["What it means", "Why it matters", "How to fix it", "Level"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
    assert_eq!(out(&run(&["explain", "call.grade.*"])).matches("How to fix it").count(), 2);
    let unknown = run(&["explain", "call.grade"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("did you mean `call.grade.line`"), "{}", err(&unknown));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let image = Image::new(BODY, &[]);
    let to = |stdout: Stdio, args: &[&str]| {
        let output = command(Path::new("/"), args).stdout(stdout).output().unwrap();
        (output.status.code(), err(&output).to_owned())
    };
    for args in [&["verify", image.path()][..], &["explain"], &["completions", "bash"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (status, said) = to(full.into(), args);
        assert_eq!(status, Some(2), "{args:?}");
        assert!(said.contains("error: static-call: standard output: No space left"), "{said}");
    }
    // It is not an error if the reader is gone, and that does not hide another error.
    let gone = || Stdio::from(std::io::pipe().unwrap().1);
    assert_eq!(to(gone(), &["verify", image.path()]), (Some(0), String::new()));
    let (status, said) = to(gone(), &["verify", "--deny", "call.grade.straddle", image.path()]);
    assert_eq!(status, Some(1));
    assert!(said.contains("1 finding is denied"), "{said}");
}

#[test]
fn a_note_says_what_an_image_does_not_record() {
    let image = Image::new(BODY, &[]);
    for place in [["--deny=flags.missing", "verify"], ["verify", "--warn=flags.*"]] {
        let output = run(&[&place[..], &[image.path()]].concat());
        assert_eq!(output.status.code(), Some(0));
        let note = "note: static-call: `--";
        assert!(err(&output).starts_with(note) && err(&output).contains("finds nothing in "));
    }
    assert_eq!(err(&run(&["--allow=flags.missing", "verify", image.path()])), "");
}

#[test]
fn colours_of_help_and_errors() {
    for (line, is_out) in [(&["--help"][..], true), (&["verify", "--help"], true), (&["x"], false)]
    {
        let said = |color: &[&str]| {
            let output = run(&[color, line].concat());
            if is_out { out(&output).to_owned() } else { err(&output).to_owned() }
        };
        assert!(said(&["--color=always"]).contains("\x1b["), "{line:?}");
        assert!(said(&["--color", "always"]).contains("\x1b["), "{line:?}");
        assert!(!said(&[]).contains("\x1b["), "{line:?}");
        assert!(!said(&["--color=always", "--color=never"]).contains("\x1b["), "{line:?}");
    }
}

#[test]
fn colours_are_for_terminals() {
    if !images::have(&["script"]) {
        return;
    }
    let image = Image::stamped(BODY);
    let on_terminal = |variable: (&str, &str)| {
        let line = format!(
            "'{}' verify '{}' /nowhere",
            env!("CARGO_BIN_EXE_cargo-static-call"),
            image.path()
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script.env_remove("NO_COLOR").env("TERM", "xterm").env(variable.0, variable.1);
        let output = script.current_dir("/").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        out(&output).to_owned()
    };
    let coloured = on_terminal(("TERM", "xterm"));
    assert!(coloured.contains("\x1b[32minline\x1b[0m"), "{coloured}");
    assert!(coloured.contains("error\x1b[0m: static-call: /nowhere: "), "{coloured}");
    let plain = on_terminal(("NO_COLOR", "1"));
    assert!(plain.contains("  inline  ") && !plain.contains("\x1b["), "{plain}");
}

#[test]
fn levels_are_accepted_only_where_they_apply() {
    for command in ["verify", "report", "build", "run", "test", "bench"] {
        let help = run(&[command, "--help"]);
        assert!(out(&help).contains("--deny <FINDING>"), "{command}: {}", out(&help));
    }
    for command in ["explain", "init", "completions", "probe"] {
        let help = run(&[command, "--help"]);
        assert!(!out(&help).contains("--deny"), "{command}: {}", out(&help));
        assert_eq!(run(&[command, "--deny", "call.*"]).status.code(), Some(2), "{command}");
    }
}

#[test]
fn errors_of_cargo_are_passed_on() {
    let output = run(&["build"]);
    assert_eq!(output.status.code(), Some(2));
    let said = err(&output);
    assert!(said.starts_with("error: static-call: could not find `Cargo.toml`"), "{said}");
    let late = run(&["build", "--release", "--deny", "call.register"]);
    let fix = "`cargo static-call build --deny … --release`";
    assert!(err(&late).starts_with("note: ") && err(&late).contains(fix), "{}", err(&late));
}

#[test]
fn help_has_examples() {
    let help = run(&["--help"]);
    assert!(out(&help).lines().all(|line| line.chars().count() <= 100), "{}", out(&help));
    for part in ["Examples:", "init --dry-run", "explain call.register", "Exit codes: 0"] {
        assert!(out(&help).contains(part), "{part}: {}", out(&help));
    }
    for command in ["verify", "report", "init", "explain", "build", "completions", "probe"] {
        let help = run(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
        assert!(out(&help).lines().all(|line| line.chars().count() <= 100), "{}", out(&help));
    }
}
