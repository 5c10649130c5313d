//! Two versions of the crate in one link share the lock and nothing else.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSymbol};

const WORKSPACE: &str = r#"
[workspace]
members = ["app"]
exclude = ["old", "old-macros", "new", "new-macros"]
resolver = "3"
[profile.dev]
codegen-units = 1
incremental = false
[profile.release]
lto = "fat"
codegen-units = 1
"#;

const PACKAGE: &str = r#"
[package]
name = "two-versions"
edition = "2024"
[dependencies]
old = { package = "static-call", path = "../old" }
new = { package = "static-call", path = "../new" }
"#;

const PROGRAM: &str = r#"
static UPDATING: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(2);
macro_rules! version {
    ($name:ident, $add:literal) => {
        mod $name {
            use $name::static_call;
            use std::sync::atomic::Ordering::Relaxed;
            use super::UPDATING;
            #[static_call(crate = $name)]
            pub fn key(x: u64) -> u64 { x + $add }
            pub fn update() {
                for _ in 0..20_000 {
                    key::update(|x| x + 10 * $add).unwrap();
                    assert_eq!(key(1), 1 + 10 * $add);
                    key::reset().unwrap();
                    assert_eq!(key(1), 1 + $add);
                }
                UPDATING.fetch_sub(1, Relaxed);
            }
            pub fn call() {
                let mut calls = 0;
                while calls == 0 || UPDATING.load(Relaxed) > 0 {
                    assert!([1 + $add, 1 + 10 * $add].contains(&key(1)));
                    calls += 1;
                }
            }
        }
    };
}
version!(old, 1);
version!(new, 2);
fn main() {
    let threads = [crate::old::update, crate::new::update, crate::old::call, crate::new::call];
    std::thread::scope(|scope| {
        for run in threads {
            scope.spawn(move || {
                if std::panic::catch_unwind(run).is_err() {
                    std::process::exit(1);
                }
            });
        }
    });
    for totals in [::old::report().totals().to_string(), ::new::report().totals().to_string()] {
        println!("{totals}");
    }
}
"#;

/// Copies a crate without its tests. `is_new` gives its records another version.
fn copy(from: &Path, to: &Path, is_new: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, is_new);
        } else {
            let text = fs::read_to_string(&from).unwrap();
            fs::write(to, if is_new { text.replace("0_1", "0_2") } else { text }).unwrap();
        }
    }
}

/// Returns the manifest of a crate outside its workspace.
fn manifest(text: &str, version: &str, macros: &str) -> String {
    let text = text.split("[lints]").next().unwrap();
    let tests = text.find("[dev-dependencies]").unwrap_or(text.len());
    let macros = format!("static-call-macros = {{ path = {macros:?}");
    text[..tests]
        .replace("version.workspace = true", &format!("version = {version:?}"))
        .replace("edition.workspace = true", "edition = \"2024\"")
        .replace("license.workspace = true", "")
        .replace("static-call-macros = { workspace = true", &macros)
}

#[test]
#[ignore = "compiles both crates twice, with and without fat LTO: more than a minute"]
fn two_versions_share_one_lock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let dir: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "rules_versions"].iter().collect();
    let _ = fs::remove_dir_all(&dir);
    for (name, version) in [("old", "0.1.0"), ("new", "0.2.0")] {
        for (crate_, to) in
            [("static-call", name.to_owned()), ("static-call-macros", format!("{name}-macros"))]
        {
            copy(&root.join(crate_).join("src"), &dir.join(&to).join("src"), name == "new");
            let text = fs::read_to_string(root.join(crate_).join("Cargo.toml")).unwrap();
            // First the longer key, because it ends with another.
            let text = text.replace("rust-version.workspace = true\n", "");
            let text = manifest(&text, version, &format!("../{name}-macros"));
            fs::write(dir.join(to).join("Cargo.toml"), text).unwrap();
        }
    }
    fs::create_dir_all(dir.join("app/src")).unwrap();
    fs::write(dir.join("Cargo.toml"), WORKSPACE).unwrap();
    fs::write(dir.join("app/Cargo.toml"), PACKAGE).unwrap();
    fs::write(dir.join("app/src/main.rs"), PROGRAM).unwrap();
    fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();

    for profile in ["dev", "release"] {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--offline", "--profile", profile]).current_dir(&dir);
        let built = build.env("CARGO_TARGET_DIR", dir.join("target")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let folder = if profile == "dev" { "debug" } else { profile };
        let image = dir.join("target").join(folder).join("two-versions");
        let bytes = fs::read(&image).unwrap();
        let (mut locks, mut trampolines) = (0, Vec::new());
        for symbol in object::File::parse(&*bytes).unwrap().symbols() {
            let name = symbol.name().unwrap_or_default();
            locks += usize::from(name == "static_call_lock_v1");
            if name.contains("key") && name.contains("trampoline") {
                trampolines.push(symbol.address());
            }
        }
        assert_eq!(locks, 1, "{profile}");
        // On one page, so that one version may close it while the other stores to it.
        assert_eq!(trampolines.len(), 2, "{profile}");
        assert!(trampolines[0].abs_diff(trampolines[1]) < 64, "{profile}: {trampolines:x?}");
        let output = support::finish(Command::new(&image));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{profile}: {}\n{text}", output.status);
        let each = "static-call: 1 key, 1 site, 1 call: 0 inline, 1 trampoline, 0 indirect";
        assert_eq!(text.lines().filter(|l| *l == each).count(), 2, "{profile}: {text}");
    }
}
