//! The copy of the workspace in which mutants are made.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, output, root};

/// Makes the copy equal to the workspace's files, as they are now. Leaves files alone that are the
/// same, so that cargo does not build them again.
pub(super) fn update(tree: &Path) -> Result {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let files: HashSet<PathBuf> = output(&mut git)?.lines().map(PathBuf::from).collect();
    for file in &files {
        let (from, to) = (root().join(file), tree.join(file));
        // A file that was deleted and is not committed yet.
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|found| found == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().ok_or("a file has a directory")?)?;
        fs::write(to, bytes)?;
    }
    remove_others(tree, tree, &files)
}

/// Removes files that are not in the list.
fn remove_others(tree: &Path, dir: &Path, files: &HashSet<PathBuf>) -> Result {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(tree, &path, files)?;
        } else if !files.contains(path.strip_prefix(tree)?) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
