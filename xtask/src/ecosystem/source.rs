//! The crates' sources: cargo fetches them; they are copied twice, and one copy is patched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::given::{CRATES, Given};
use crate::run::{Result, cargo, copy_tree, output, root};

/// One of the two copies of all crates: a workspace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Copy {
    /// As published.
    Original,
    /// With static calls.
    Patched,
}

impl Copy {
    fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Patched => "patched",
        }
    }

    /// Returns the directory of a package.
    pub(super) fn of(self, dir: &Path, package: &str) -> PathBuf {
        dir.join(self.name()).join(package)
    }

    /// Returns the directory of the program that measures it.
    pub(super) fn bench(self, dir: &Path, given: &Given) -> PathBuf {
        dir.join(self.name()).join(format!("bench-{}", given.name))
    }
}

/// Returns the directory of the patches, programs and lock file.
pub(super) fn kept() -> PathBuf {
    root().join("ecosystem")
}

/// Returns the patch that adds static calls to a package.
fn patch(package: &str) -> PathBuf {
    kept().join("patches").join(format!("{package}.patch"))
}

/// The numbers of lines that a patch adds and removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) added: usize,
    pub(super) removed: usize,
}

impl Lines {
    /// Returns the sums over the patches of a crate.
    pub(super) fn of(given: &Given) -> Result<Self> {
        let mut sum = Self { added: 0, removed: 0 };
        for (package, _) in given.packages() {
            let lines = Self::count(&fs::read_to_string(patch(package))?);
            sum.added += lines.added;
            sum.removed += lines.removed;
        }
        Ok(sum)
    }

    fn count(patch: &str) -> Self {
        let count = |sign: char, header: &str| {
            let lines = patch.lines().skip_while(|line| !line.starts_with("diff "));
            lines.filter(|line| line.starts_with(sign) && !line.starts_with(header)).count()
        };
        Self { added: count('+', "+++ "), removed: count('-', "--- ") }
    }
}

/// Creates both workspaces from scratch.
pub(super) fn prepare(dir: &Path) -> Result {
    let vendored = fetch(dir)?;
    for copy in [Copy::Original, Copy::Patched] {
        let workspace = dir.join(copy.name());
        if workspace.exists() {
            fs::remove_dir_all(&workspace)?;
        }
        for given in CRATES {
            for (package, version) in given.packages() {
                let own = copy.of(dir, package);
                copy_tree(&vendored.join(format!("{package}-{version}")), &own)?;
                if copy == Copy::Patched {
                    // Not as part of a repository that contains this directory.
                    let mut apply = Command::new("git");
                    apply.args(["apply", "--whitespace=nowarn"]).arg(patch(package));
                    apply.current_dir(&own).env("GIT_CEILING_DIRECTORIES", &workspace);
                    output(&mut apply)?;
                }
            }
            let manifest = copy.of(dir, given.name).join("Cargo.toml");
            let text = fs::read_to_string(&manifest)?;
            fs::write(&manifest, without(&text, given.left_out) + &development(given.added))?;
            bench(copy, &copy.bench(dir, given), given)?;
        }
        fs::write(workspace.join("Cargo.toml"), workspace_manifest())?;
        let lock = kept().join("Cargo.lock");
        if lock.exists() {
            fs::copy(lock, workspace.join("Cargo.lock"))?;
        }
    }
    Ok(())
}

/// Makes cargo fetch the sources, unless they are there. Returns their directory.
fn fetch(dir: &Path) -> Result<PathBuf> {
    let source = dir.join("source");
    let vendored = source.join("vendor");
    let packages = || CRATES.iter().flat_map(Given::packages);
    if packages().all(|(name, version)| vendored.join(format!("{name}-{version}")).exists()) {
        return Ok(vendored);
    }
    fs::create_dir_all(source.join("src"))?;
    fs::write(source.join("src/lib.rs"), "")?;
    let dependencies: String =
        packages().map(|(name, version)| format!("{name} = \"={version}\"\n")).collect();
    let manifest = format!(
        "[package]\nname = \"source\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}\n[workspace]\n"
    );
    fs::write(source.join("Cargo.toml"), manifest)?;
    output(cargo(["vendor", "--quiet", "--versioned-dirs"]).current_dir(&source))?;
    Ok(vendored)
}

/// Returns a manifest without benchmarks and the dependencies that only they need. In published
/// manifests each of these is its own table.
fn without(manifest: &str, left_out: &[&str]) -> String {
    let is_left_out = |header: &str| {
        header == "[[bench]]"
            || left_out.iter().any(|name| header == format!("[dev-dependencies.{name}]"))
    };
    let mut keeps = true;
    let kept = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            keeps = !is_left_out(line);
        }
        keeps
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Returns what a manifest says to add dependencies of tests.
fn development(added: &[(&str, &str)]) -> String {
    let table =
        |(name, version)| format!("\n[dev-dependencies.{name}]\nversion = \"={version}\"\n");
    added.iter().copied().map(table).collect()
}

/// Writes the package that measures a crate.
fn bench(copy: Copy, dir: &Path, given: &Given) -> Result {
    fs::create_dir_all(dir)?;
    let patched = copy == Copy::Patched;
    let (default, more) = if patched {
        (
            "\"patched\"",
            "static-call = { workspace = true, features = [\"std\"] }\n\n\
             [build-dependencies]\nstatic-call-verify = { workspace = true }\n",
        )
    } else {
        ("", "")
    };
    let (name, features) = (given.name, given.features);
    let manifest = format!(
        "[package]\nname = \"bench-{name}\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"bench-{name}\"\npath = \"main.rs\"\n\n\
         [features]\ndefault = [{default}]\npatched = []\n\n\
         [dependencies]\n{name} = {{ path = \"../{name}\", features = {features:?} }}\n{more}"
    );
    fs::write(dir.join("Cargo.toml"), manifest)?;
    if patched {
        fs::write(dir.join("build.rs"), "fn main() {\n    static_call_verify::enable();\n}\n")?;
    }
    let programs = kept().join("bench");
    fs::copy(programs.join("harness.rs"), dir.join("harness.rs"))?;
    fs::copy(programs.join(format!("{name}.rs")), dir.join("main.rs"))?;
    Ok(())
}

fn workspace_manifest() -> String {
    let packages = CRATES.iter().flat_map(Given::packages).map(|(name, _)| name.to_owned());
    let programs = CRATES.iter().map(|c| format!("bench-{}", c.name));
    let members: Vec<_> = packages.chain(programs).collect();
    // So that a crate, and what its tests need, use its parts from here.
    let patched = CRATES.iter().filter(|c| !c.parts.is_empty()).flat_map(Given::packages);
    let patched: String =
        patched.map(|(name, _)| format!("{name} = {{ path = {name:?} }}\n")).collect();
    let [runtime, verifier] = ["static-call", "static-call-verify"].map(|name| root().join(name));
    // Build scripts and macros get the same options in every build, so that they are built once.
    format!(
        "[workspace]\nresolver = \"2\"\nmembers = {members:?}\n\n\
         [workspace.dependencies]\n\
         static-call = {{ path = {runtime:?}, default-features = false, \
         features = [\"runtime\"] }}\n\
         static-call-verify = {{ path = {verifier:?} }}\n\n\
         [profile.release.build-override]\n\
         opt-level = 0\ncodegen-units = 256\ndebug = false\n\
         debug-assertions = false\noverflow-checks = false\n\n\
         [patch.crates-io]\n{patched}"
    )
}

#[cfg(test)]
mod tests {
    use super::{Lines, development, without};

    #[test]
    fn lines_of_a_patch_are_counted_after_its_header() {
        let patch = "About it.\n- a list\n+ of things\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n\
                     @@ -1,2 +1,3 @@\n same\n-old\n+new\n+more\n";
        assert_eq!(Lines::count(patch), Lines { added: 2, removed: 1 });
    }

    #[test]
    fn dependencies_of_tests_are_tables() {
        assert_eq!(development(&[]), "");
        assert_eq!(
            development(&[("a", "1.0.0")]),
            "\n[dev-dependencies.a]\nversion = \"=1.0.0\"\n"
        );
    }

    #[test]
    fn benchmarks_and_what_they_need_are_left_out() {
        let manifest = "[package]\nname = \"a\"\n\n[[bench]]\nname = \"b\"\n\n[dependencies.c]\n\
                        version = \"1\"\n\n[dev-dependencies.d]\nversion =\n\
                        \"2\"\n\n[dev-dependencies.e]\n\
                        version = \"3\"\n";
        let expected = "[package]\nname = \"a\"\n\n[dependencies.c]\nversion = \"1\"\n\n\
                        [dev-dependencies.e]\nversion = \"3\"\n";
        assert_eq!(without(manifest, &["d"]), expected);
    }
}
