//! Checks the packages as they would be published: what they contain, and that a user's crate
//! builds from them.

mod files;
mod links;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, cargo, copy_tree, output, root, run, scratch};
use crate::tasks::Counts;

/// The packages, and the extensions of files in `src` that each needs besides `rs`.
const PACKAGES: &[(&str, &[&str])] = &[
    ("static-call", &["md"]),
    ("static-call-macros", &[]),
    ("static-call-verify", &["css", "js"]),
];
/// All packages have the workspace's version, as this program does.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Packages all three, checks their contents, and builds and runs `tests/user` from them.
pub(crate) fn package(_: &[String]) -> Result {
    let dir = scratch("package");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir)?;
    // The user's crate builds the packages, so cargo need not.
    let mut command = cargo(["package", "--quiet", "--no-verify", "--allow-dirty", "--target-dir"]);
    command.arg(&dir);
    for (name, _) in PACKAGES {
        command.args(["--package", name]);
    }
    run(&mut command)?;
    let mut complaints = Vec::new();
    for (name, kinds) in PACKAGES {
        let unpacked = unpack(&dir, name)?;
        let files = files::list(&unpacked)?;
        println!("{name}: {} files", files.len());
        let others = files.iter().filter(|file| !file.ends_with(".rs"));
        others.for_each(|file| println!("    {file}"));
        complaints.extend(files::complaints(name, kinds, &files));
        for file in &files {
            if let Ok(text) = fs::read_to_string(unpacked.join(file)) {
                complaints.extend(links::complaints(&format!("{name}/{file}"), &text, root()));
            }
        }
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    use_them(&dir)
}

/// Unpacks a package. Returns its directory.
fn unpack(dir: &Path, name: &str) -> Result<PathBuf> {
    let package = dir.join(format!("package/{name}-{VERSION}.crate"));
    // Packaged files all have the same old date, with which cargo would not rebuild changed ones.
    run(Command::new("tar").arg("-xzmf").arg(package).arg("-C").arg(dir))?;
    Ok(dir.join(format!("{name}-{VERSION}")))
}

/// Builds and runs a crate that depends on the packages as if they were published. Documents the
/// runtime, whose documentation includes a file from outside `src`.
fn use_them(dir: &Path) -> Result {
    let (original, user) = (root().join("tests/user"), dir.join("user"));
    copy_tree(&original.join("src"), &user.join("src"))?;
    fs::copy(original.join("build.rs"), user.join("build.rs"))?;
    // With the workspace's versions nothing else is fetched.
    fs::copy(root().join("Cargo.lock"), user.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(original.join("Cargo.toml"))?;
    fs::write(user.join("Cargo.toml"), published(&manifest)?)?;

    // The test of the same crate uses this directory, too: dependencies are built once for both.
    let target = dir.ancestors().nth(2).expect("a target directory").join("tmp/nested");
    let here = |args: &[&str]| {
        let mut command = cargo(args);
        command.arg("--target-dir").arg(&target).current_dir(&user);
        // Without the flags of this workspace, which contains the directory.
        command.env("CARGO_ENCODED_RUSTFLAGS", "").env_remove("STATIC_CALL");
        command
    };
    let printed = output(&mut here(&["run", "--quiet"]))?;
    let last = printed.trim_end().lines().last().unwrap_or_default();
    println!("{last}");
    let counts =
        Counts::of(last).ok_or_else(|| format!("not the last line of a report: {last}"))?;
    if counts.inline == 0 || counts.indirect != 0 {
        return Err("some calls must be inline, and none indirect".into());
    }
    let document = ["doc", "--quiet", "--no-deps", "--package", "static-call"];
    run(here(&document).env("RUSTDOCFLAGS", "-Dwarnings"))
}

/// Returns the manifest of `tests/user` with dependencies by version, patched to the unpacked
/// packages.
fn published(manifest: &str) -> Result<String> {
    let mut text = manifest.to_owned();
    for name in ["static-call", "static-call-verify"] {
        let by_path = format!("{name} = {{ path = \"../../{name}\" }}\n");
        if !text.contains(&by_path) {
            return Err(format!("tests/user/Cargo.toml has no `{}`", by_path.trim()).into());
        }
        text = text.replace(&by_path, &format!("{name} = \"{VERSION}\"\n"));
    }
    text += "\n[patch.crates-io]\n";
    for (name, _) in PACKAGES {
        text += &format!("{name} = {{ path = \"../{name}-{VERSION}\" }}\n");
    }
    Ok(text)
}
