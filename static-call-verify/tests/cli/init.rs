//! Tests of `cargo static-call init` in packages and workspaces.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::{command, err, out, run_in};

const CONFIG: &str = "# mine\n[build]\njobs = 3 # enough\n\n[alias]\nb = \"build\"\n";
const MANIFEST: &str = "[package] # the package\nname = \"x\"\nedition = \"2024\"\n\n[lints.rust]\n\
                        missing_docs = \"warn\" # all of them\n";

const TABLE: &str = "[target.'cfg(all(target_arch = \"x86_64\", target_os = \"linux\"))']\n";

fn package(name: &str) -> std::path::PathBuf {
    // Not below this workspace, whose flags cargo would read there.
    let dir = std::env::temp_dir().join(format!("static-call-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(dir.join("src")).unwrap();
    fs::create_dir_all(dir.join(".cargo")).unwrap();
    // A workspace of its own, whatever is above it.
    fs::write(dir.join("Cargo.toml"), format!("{MANIFEST}\n[workspace]\n")).unwrap();
    fs::write(dir.join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::write(dir.join(".cargo/config.toml"), CONFIG).unwrap();
    dir
}

fn init(dir: &Path, args: &[&str]) -> Output {
    run_in(dir, &[&["init"], args].concat())
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn merges_and_shows_changes_and_repeats_nothing() {
    let dir = package("init");
    let before = (read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml"));
    let dry = init(&dir, &["--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", err(&dry));
    for line in [
        "--- .cargo/config.toml",
        "+    \"-Cllvm-args=-x86-align-branch-boundary=8\",",
        " b = \"build\"",
        "--- Cargo.toml",
        "+linker_messages = \"warn\"",
        "dry run: nothing was written",
    ] {
        assert!(out(&dry).lines().any(|l| l == line), "{line}: {}", out(&dry));
    }
    assert_eq!((read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml")), before);

    let done = init(&dir, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    let change =
        |text: &str| text.lines().take_while(|l| l.starts_with(['-', '+', ' ', '@'])).count();
    assert!(change(out(&done)) > 8 && out(&done).contains("\nwritten\n"), "{}", out(&done));
    assert_eq!(change(out(&done)), change(out(&dry)));
    let after = (read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml"));
    for (before, after) in [(&before.0, &after.0), (&before.1, &after.1)] {
        for line in before.lines() {
            assert!(after.lines().any(|l| l == line), "lost: {line}");
        }
    }
    let again = init(&dir, &[]);
    assert!(out(&again).starts_with("everything is already set: nothing to change\n"));
    assert_eq!((read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml")), after);

    let said = checked(&dir, &[]);
    assert!(said.contains("--warn=linker_messages"), "{said}");
    fs::remove_dir_all(dir).unwrap();
}

/// Returns cargo's output for a package. Asserts that each flag is there once, because LLVM rejects
/// an option that is given twice.
fn checked(dir: &Path, variables: &[(&str, &Path)]) -> String {
    let _ = fs::remove_dir_all(dir.join("target"));
    let output = std::process::Command::new(env!("CARGO"))
        .args(["check", "--offline", "-v"])
        .current_dir(dir)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = err(&output);
    assert!(output.status.success(), "{said}");
    for flag in ["-x86-align-branch=call", "-Crelro-level=partial", "-Wl,-z,relro,-z,now"] {
        assert_eq!(said.matches(flag).count(), 1, "{flag}: {said}");
    }
    said.to_owned()
}

#[test]
fn flags_are_written_where_cargo_reads_them() {
    let dir = package("init-where");
    let inner = dir.join("inner");
    fs::create_dir_all(inner.join("src")).unwrap();
    fs::create_dir_all(inner.join(".cargo")).unwrap();
    fs::write(inner.join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::write(inner.join("Cargo.toml"), format!("{MANIFEST}\n[workspace]\n")).unwrap();
    let home = dir.join("home");
    fs::create_dir_all(&home).unwrap();
    let variables = [("CARGO_HOME", home.as_path())];
    let done = || {
        let output = command(&inner, &["init"]).envs(variables).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        out(&output).to_owned()
    };
    let target = "[target.x86_64-unknown-linux-gnu]\nrustflags = ";

    // A table for the target in a parent directory, and flags for all targets here.
    fs::write(dir.join(".cargo/config.toml"), format!("{target}[\"-Cdebug-assertions\"]\n"))
        .unwrap();
    fs::write(inner.join(".cargo/config.toml"), "[build]\nrustflags = [\"-Coverflow-checks\"]\n")
        .unwrap();
    done();
    assert!(read(&inner, ".cargo/config.toml").contains(TABLE));
    let said = checked(&inner, &variables);
    assert!(said.contains("-Cdebug-assertions") && !said.contains("-Coverflow-checks"), "{said}");
    assert!(done().starts_with("everything is already set"));

    // As a string in cargo's home. The file without an extension takes precedence.
    fs::remove_file(dir.join(".cargo/config.toml")).unwrap();
    fs::write(home.join("config.toml"), format!("{target}\"-Cdebug-assertions\"\n")).unwrap();
    fs::write(inner.join(".cargo/config"), "").unwrap();
    let unread = read(&inner, ".cargo/config.toml");
    done();
    assert!(read(&inner, ".cargo/config").starts_with(TABLE));
    assert_eq!(read(&inner, ".cargo/config.toml"), unread);
    assert!(checked(&inner, &variables).contains("-Cdebug-assertions"));

    // Flags in the environment hide those of `build`.
    fs::write(
        inner.join(".cargo/config"),
        read(&inner, ".cargo/config").replace(TABLE, "[build]\n"),
    )
    .unwrap();
    fs::remove_file(home.join("config.toml")).unwrap();
    assert!(done().starts_with("everything is already set"));
    let variable = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS";
    let mut init = command(&inner, &["init"]);
    let output = init.envs(variables).env(variable, "-Cdebug-assertions").output().unwrap();
    assert!(out(&output).contains(&format!("note: {variable} is set")), "{}", out(&output));
    let both = [variables[0], (variable, Path::new("-Cdebug-assertions"))];
    assert!(checked(&inner, &both).contains("-Cdebug-assertions"));
    fs::remove_dir_all(dir).unwrap();
}

/// Flags in the environment replace those in files, and `init` cannot change them.
#[test]
fn flags_in_the_environment_are_reported() {
    let dir = package("init-environment");
    let with = |name: &str, value: &str| {
        let output = command(&dir, &["init"]).env(name, value).output().unwrap();
        out(&output).to_owned()
    };
    let said = with("CARGO_BUILD_RUSTFLAGS", "-g");
    let note = "note: on x86-64 Linux cargo reads the new table instead of CARGO_BUILD_RUSTFLAGS";
    assert!(said.contains(note), "{said}");
    let flags = "`-Cllvm-args=-x86-align-branch-boundary=8 -Cllvm-args=-x86-align-branch=call \
                 -Crelro-level=partial -Clink-arg=-Wl,-z,relro,-z,now`";
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        for value in ["-g", ""] {
            let said = with(name, value);
            assert!(said.starts_with("nothing to change in the files\n"), "{said}");
            let note =
                format!("note: {name} is set in the environment, and cargo reads it instead");
            assert!(said.contains(&note) && said.contains(&format!("Add {flags} to it")), "{said}");
        }
        let mut all = flags.trim_matches('`').to_owned();
        if name.starts_with("CARGO") {
            all = all.replace(' ', "\u{1f}");
        }
        let said = with(name, &all);
        assert!(said.contains("It has them all") && !said.contains("Add "), "{said}");
    }
    // The same flags as those of `build`, which are not hidden.
    fs::write(dir.join(".cargo/config.toml"), CONFIG).unwrap();
    let said = with("CARGO_BUILD_RUSTFLAGS", flags.trim_matches('`'));
    assert!(said.starts_with("everything is already set"), "{said}");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn in_a_new_package_and_from_below() {
    let dir = package("init-new");
    fs::remove_dir_all(dir.join(".cargo")).unwrap();
    let done = init(&dir.join("src"), &[]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    assert!(out(&done).contains("--- /dev/null\n"), "{}", out(&done));
    assert!(out(&done).contains("note: next: `static_call_verify::enable()`"), "{}", out(&done));
    let config = read(&dir, ".cargo/config.toml");
    assert!(config.starts_with(TABLE));
    let config: Vec<&str> = config.lines().filter(|line| !line.starts_with('#')).collect();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verifier.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("\n{}\n```", config.join("\n"))), "the page shows the same");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn line_endings_permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = package("init-crlf");
    let config = dir.join(".cargo/config.toml");
    let real = dir.join("real.toml");
    fs::write(&real, format!("\u{feff}{}", CONFIG.replace('\n', "\r\n"))).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(&config).unwrap();
    symlink(&real, &config).unwrap();
    assert_eq!(init(&dir, &[]).status.code(), Some(0));
    assert!(fs::symlink_metadata(&config).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    let text = fs::read_to_string(&real).unwrap();
    assert!(text.starts_with("\u{feff}# mine\r\n[build]\r\n"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn read_only_files_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = package("init-read-only");
    let before = (read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml"));
    for name in [".cargo/config.toml", "Cargo.toml"] {
        let set = |mode| {
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        set(0o444);
        let output = init(&dir, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", out(&output));
        assert!(
            err(&output).contains(&format!("{name}: the file is read-only")),
            "{}",
            err(&output)
        );
        set(0o644);
    }
    let after = (read(&dir, ".cargo/config.toml"), read(&dir, "Cargo.toml"));
    assert_eq!(after, before, "nothing is partly written");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_not_changed() {
    let dir = package("init-broken");
    fs::write(dir.join(".cargo/config.toml"), "[build\n").unwrap();
    let before = read(&dir, "Cargo.toml");
    let output = init(&dir, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains(".cargo/config.toml: TOML parse error at line 1"),
        "{}",
        err(&output)
    );
    assert_eq!(read(&dir, "Cargo.toml"), before, "nothing is partly written");
    fs::remove_dir_all(dir).unwrap();
    assert_eq!(init(Path::new("/"), &[]).status.code(), Some(2), "no manifest anywhere");
}
