//! What cargo knows about the workspace: its packages, its programs, and where they are built.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// Returns the cargo that runs this command.
pub(super) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns cargo's metadata about the workspace of a manifest, or of the working directory.
pub(super) fn metadata(manifest: Option<&OsStr>) -> Result<Value, String> {
    let mut command = Command::new(cargo());
    command.args(["metadata", "--no-deps", "--format-version=1", "--color=never"]);
    if let Some(path) = manifest {
        command.arg("--manifest-path").arg(path);
    }
    let output = command.output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.trim().trim_start_matches("error: ").to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))
}

pub(super) fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

/// Returns cargo's target directory, the only place that is writable, stable and cleaned with the
/// rest.
pub(super) fn target_directory(metadata: &Value) -> Result<PathBuf, String> {
    let dir = metadata["target_directory"].as_str().map(PathBuf::from);
    dir.ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// Returns the last build of the program that `cargo run` would run for `manifest`, or of the one
/// with this `name`.
pub(super) fn program(manifest: &Path, name: Option<&str>) -> Result<PathBuf, String> {
    let metadata = metadata(Some(manifest.as_os_str()))?;
    let name = chosen(&metadata, manifest, name)?;
    let target = target_directory(&metadata)?;
    newest(&target, &name).ok_or_else(|| {
        format!("`{name}` is not built yet: run `cargo static-call build`, or pass an image")
    })
}

/// Returns the program's name.
fn chosen(metadata: &Value, manifest: &Path, name: Option<&str>) -> Result<String, String> {
    let manifest = fs::canonicalize(manifest).unwrap_or_else(|_| manifest.to_owned());
    let is_own = |package: &&Value| {
        package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest)
    };
    // A workspace's manifest need not belong to a package.
    let own: Vec<&Value> = packages(metadata).filter(is_own).collect();
    let own = if own.is_empty() { packages(metadata).collect() } else { own };
    let programs = own.iter().flat_map(|package| programs(package)).collect::<Vec<_>>();
    let default = match own.as_slice() {
        [package] => package["default_run"].as_str(),
        _ => None,
    };
    match (name.or(default), programs.as_slice()) {
        (Some(name), _) if programs.contains(&name) => Ok(name.to_owned()),
        (Some(name), []) => Err(format!("no program `{name}` here: pass an image")),
        (Some(name), _) => Err(format!("no program `{name}` here, only {}", list(&programs))),
        (None, [one]) => Ok((*one).to_owned()),
        (None, []) => Err("no program here: pass an image".to_owned()),
        (None, _) => Err(format!(
            "there are several programs here, {}: choose one with `--bin NAME`, or pass an image; \
             `default-run` in Cargo.toml sets the default",
            list(&programs)
        )),
    }
}

/// Returns the names of a package's programs.
fn programs(package: &Value) -> impl Iterator<Item = &str> {
    let targets = package["targets"].as_array().into_iter().flatten();
    let is_program = |target: &&Value| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
    };
    targets.filter(is_program).filter_map(|target| target["name"].as_str())
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the newest file of this name that cargo built, for any profile and target.
fn newest(target: &Path, name: &str) -> Option<PathBuf> {
    let directories = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut profiles = directories(target);
    profiles.extend(profiles.clone().iter().flat_map(|dir| directories(dir)));
    let built = profiles.into_iter().filter(|dir| dir.join(".fingerprint").is_dir());
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for path in built.map(|dir| dir.join(name)) {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        if let Some(modified) = metadata.and_then(|metadata| metadata.modified().ok()) {
            found.push((modified, path));
        }
    }
    found.into_iter().max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(directory: &str, programs: &[&str], default: Option<&str>) -> Value {
        let target = |name: &&str| json!({ "name": name, "kind": ["bin"] });
        let mut targets: Vec<Value> = programs.iter().map(target).collect();
        targets.push(json!({ "name": "library", "kind": ["lib"] }));
        let manifest_path = format!("{directory}/Cargo.toml");
        json!({ "manifest_path": manifest_path, "targets": targets, "default_run": default })
    }

    #[test]
    fn which_program() {
        let of = |packages: &[Value], directory: &str, name: Option<&str>| {
            let metadata = json!({ "packages": packages });
            chosen(&metadata, &Path::new(directory).join("Cargo.toml"), name)
        };
        let [one, two] =
            [package("/nowhere/one", &["a"], None), package("/nowhere/two", &[], None)];
        let both = [one.clone(), two];
        assert_eq!(of(&both, "/nowhere/one", None), Ok("a".into()));
        assert_eq!(of(&both, "/nowhere", None), Ok("a".into()), "a workspace's own manifest");
        assert!(of(&both, "/nowhere/two", None).unwrap_err().contains("no program here"));
        assert!(of(&both, "/nowhere/one", Some("b")).unwrap_err().contains("only `a`"));
        let several = [package("/nowhere/p", &["a", "b"], None)];
        let said = of(&several, "/nowhere/p", None).unwrap_err();
        assert!(said.contains("`a`, `b`: choose one with `--bin NAME`"), "{said}");
        assert_eq!(of(&several, "/nowhere/p", Some("b")), Ok("b".into()));
        let default = [package("/nowhere/p", &["a", "b"], Some("b"))];
        assert_eq!(of(&default, "/nowhere/p", None), Ok("b".into()));
        assert_eq!(of(&default, "/nowhere/p", Some("a")), Ok("a".into()));
    }
}
