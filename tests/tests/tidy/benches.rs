//! Checks that `cargo bench` runs nothing but benchmarks. Cargo passes its options to each library
//! and program of the workspace, too, whose harness for tests does not know them.

use super::{File, broken, hold};

/// A library or a program of a package.
#[derive(PartialEq)]
struct Target {
    is_lib: bool,
    name: String,
    path: Option<String>,
    has_no_bench: bool,
}

/// Checks that the libraries and programs of the workspace's packages have `bench = false`.
fn benches(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|f| f.path == path).map(|f| f.text.as_str());
    let mut complaints = Vec::new();
    for member in members(text("Cargo.toml").unwrap_or_default()) {
        let manifest = format!("{member}/Cargo.toml");
        let given = given(text(&manifest).unwrap_or_default());
        let is_given = |found: &Target| {
            let is_it = |target: &Target| target.path == found.path || target.name == found.name;
            given.iter().any(|target| target.is_lib == found.is_lib && is_it(target))
        };
        let paths = files.iter().filter_map(|f| f.path.strip_prefix(member)?.strip_prefix('/'));
        let found: Vec<_> = paths.filter_map(found).filter(|t| !is_given(t)).collect();
        for target in given.iter().chain(&found).filter(|target| !target.has_no_bench) {
            let name = &target.name;
            let (what, table) = if target.is_lib {
                ("the library".to_owned(), "[lib]")
            } else {
                (format!("the program `{name}`"), "[[bin]]")
            };
            complaints.push(format!(
                "{member}: `cargo bench` passes its options to {what}; write `bench = false` into \
                 its {table} in {manifest}"
            ));
        }
    }
    complaints
}

/// Returns the directories of the workspace's packages.
fn members(root: &str) -> impl Iterator<Item = &str> {
    let list = root.split("members = [").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split('"').skip(1).step_by(2)
}

/// Returns the targets that have a table in a manifest.
fn given(manifest: &str) -> Vec<Target> {
    let tables = manifest.split("\n[");
    let target = |table: &str| {
        let mut lines = table.lines();
        let is_lib = match lines.next()? {
            "lib]" => true,
            "[bin]]" => false,
            _ => return None,
        };
        let value = |key: &str| {
            let value = table.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(value.trim_matches('"').to_owned())
        };
        Some(Target {
            is_lib,
            name: value("name").unwrap_or_default(),
            path: value("path").or_else(|| is_lib.then(|| "src/lib.rs".to_owned())),
            has_no_bench: value("bench").is_some_and(|value| value == "false"),
        })
    };
    tables.filter_map(target).collect()
}

/// Returns the target that cargo makes of a package's file by its path.
fn found(path: &str) -> Option<Target> {
    let name = match path {
        "src/lib.rs" => "lib",
        "src/main.rs" => "main",
        _ => {
            let file = path.strip_prefix("src/bin/")?;
            let name = file.strip_suffix("/main.rs").or_else(|| file.strip_suffix(".rs"))?;
            Some(name).filter(|name| !name.contains('/'))?
        }
    };
    let (is_lib, path) = (path == "src/lib.rs", Some(path.to_owned()));
    Some(Target { is_lib, name: name.to_owned(), path, has_no_bench: false })
}

#[test]
fn only_benchmarks_run_as_benchmarks() {
    hold(benches);
    let package = |manifest: &str, path: &str, complaints: &[&str]| {
        let root = "members = [\n    \"other\",\n    \"a/b\",\n]";
        let files = [("Cargo.toml", root), ("a/b/Cargo.toml", manifest), (path, "")];
        let files = files.map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() });
        let found = benches(&files);
        assert_eq!(found.len(), complaints.len(), "{manifest:?}, {path}: {found:?}");
        for (complaint, part) in found.iter().zip(complaints) {
            assert!(complaint.contains(part), "{complaint}");
        }
    };
    let named = "[package]\nname = \"b\"\n";
    package(named, "a/b/src/lib.rs", &["to the library;"]);
    package(&format!("{named}\n[lib]\nbench = false\n"), "a/b/src/lib.rs", &[]);
    package(&format!("{named}\n[lib]\n# bench = false\n"), "a/b/src/lib.rs", &["[lib]"]);
    package(&format!("{named}\n[lib]\npath = \"lib.rs\"\n"), "a/b/lib.rs", &["a/b/Cargo.toml"]);
    for path in ["a/b/src/main.rs", "a/b/src/bin/p.rs", "a/b/src/bin/p/main.rs"] {
        package(named, path, &["to the program"]);
        let bin = format!("{named}\n[[bin]]\nname = \"p\"\npath = \"{}\"\n", &path[4..]);
        package(&bin, path, &["to the program `p`; write"]);
        package(&format!("{bin}bench = false\n"), path, &[]);
    }
    let bin = format!("{named}\n[[bin]]\nname = \"p\"\nbench = false\n");
    package(&bin, "a/b/src/bin/p.rs", &[]);
    package(&bin, "a/b/src/bin/q.rs", &["`q`"]);
    package(named, "a/b/src/bin/p/part.rs", &[]);
    broken(benches, "c/src/lib.rs", "", 0);
}
