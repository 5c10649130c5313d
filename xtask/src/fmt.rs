//! Checks that every file is formatted by rustfmt.

use std::process::Command;

use crate::run::{Result, cargo, output, root, run};

/// Prefixes of the paths of files that are not checked, and why.
const EXCEPT: &[(&str, &str)] = &[
    ("tests/ui/", "programs as users write them"),
    ("tests/crates/", "as above, some in an earlier edition"),
    ("tests/matrix/main.rs", "its other modules are generated"),
];

/// Checks each package, then each file that git tracks: cargo finds only files that a `mod` line
/// outside macros names, and only in this workspace.
pub(crate) fn fmt(_: &[String]) -> Result {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    let tracked = ["ls-files", "-z", "--", "*.rs"];
    let tracked = output(Command::new("git").args(tracked).current_dir(root()))?;
    let files: Vec<_> = tracked.split_terminator('\0').filter(|file| is_checked(file)).collect();
    if files.is_empty() {
        return Err("git tracks no Rust files here".into());
    }
    eprintln!("$ rustfmt --check, {} files", files.len());
    let mut check = Command::new("rustfmt");
    output(check.args(["--check", "--edition", "2024"]).args(files).current_dir(root())).map_err(
        |e| e.to_string().split_once('\n').map_or(String::new(), |(_, diff)| diff.into()),
    )?;
    Ok(())
}

fn is_checked(file: &str) -> bool {
    root().join(file).exists() && !EXCEPT.iter().any(|(path, _)| file.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::{EXCEPT, is_checked};
    use crate::run::root;

    #[test]
    fn files_of_all_packages_are_checked() {
        assert!(is_checked("xtask/src/fmt.rs") && is_checked("fuzz/fuzz_targets/verify.rs"));
        assert!(!is_checked("tests/ui/fail/no_such.rs") && !is_checked("xtask/src/no_such.rs"));
        for (path, why) in EXCEPT {
            assert!(root().join(path).exists() && !why.is_empty(), "{path}");
        }
    }
}
