//! Files of a program that runs once.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::order::shuffled;
use crate::generate::Random;
use crate::run::Result;

/// Bytes in a page.
const PAGE: usize = 4096;

/// How the pages of a file lie in memory.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Pages {
    /// Each anywhere, as the private pages of patched code do.
    Scattered,
    /// In large pieces, where the file system caches it in such.
    Whole,
}

/// A copy of a program and of the shared objects beside it, deleted when dropped.
///
/// While the system caches a file, its pages stay where they are in memory, at every start of the
/// program. So one place would decide for all rounds which sets of the caches a way's code
/// shares with other code. A new file gets new pages.
pub(super) struct FreshFiles {
    dir: PathBuf,
    program: PathBuf,
}

impl FreshFiles {
    /// Copies what lies in the program's directory into a new one, in `dir`.
    pub(super) fn copy(program: &Path, dir: &Path, pages: Pages) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = dir.join(format!("start-{}-{number}", process::id()));
        fs::create_dir(&dir)?;
        let name = program.file_name().ok_or("a program without a name")?;
        let fresh = Self { program: dir.join(name), dir };
        for entry in fs::read_dir(program.parent().ok_or("a program without a directory")?)? {
            let entry = entry?;
            copy(&entry.path(), &fresh.dir.join(entry.file_name()), pages, number)?;
        }
        Ok(fresh)
    }

    /// Returns the path of the program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }
}

impl Drop for FreshFiles {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).unwrap_or_default();
    }
}

/// Copies a file. Not by `fs::copy`: it may make a file that shares its blocks and pages with the
/// other.
fn copy(from: &Path, to: &Path, pages: Pages, seed: u64) -> Result {
    let bytes = fs::read(from)?;
    let file = File::create_new(to)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    match pages {
        // What is written at once is cached in pieces of up to megabytes. A page's place in its
        // piece, which chooses its sets in the caches, follows from its place in the file.
        Pages::Whole => file.write_all_at(&bytes, 0)?,
        Pages::Scattered => {
            let pages: Vec<_> = bytes.chunks(PAGE).zip((0_u64..).step_by(PAGE)).collect();
            for (page, at) in shuffled(pages, &mut Random(seed)) {
                file.write_all_at(page, at)?;
            }
        }
    }
    // Now, so that nothing is written to the disk while the program is measured.
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::process::Command;
    use std::thread;

    use super::{FreshFiles, Pages};

    fn succeeds(program: &Path) -> bool {
        loop {
            match Command::new(program).status() {
                // Another test forked while this one wrote the program: until that child executes
                // its own program, it has the file open, too.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
                status => return status.unwrap().success(),
            }
        }
    }

    #[test]
    fn each_copy_has_files_of_its_own_that_run_and_are_deleted() {
        let dir = std::env::temp_dir().join(format!("static-call-fresh-{}", std::process::id()));
        let built = dir.join("built");
        fs::create_dir_all(&built).unwrap();
        fs::copy("/bin/true", built.join("program")).unwrap();
        fs::write(built.join("library.so"), vec![7; 10_000]).unwrap();
        let copies = [Pages::Whole, Pages::Scattered]
            .map(|pages| FreshFiles::copy(&built.join("program"), &dir, pages).unwrap());
        for name in ["program", "library.so"] {
            let paths = copies.each_ref().map(|copy| copy.program().with_file_name(name));
            let [a, b] = paths.each_ref().map(|path| fs::metadata(path).unwrap().ino());
            assert_ne!(a, b, "{name}");
            for path in paths {
                assert_eq!(fs::read(path).unwrap(), fs::read(built.join(name)).unwrap());
            }
        }
        assert!(copies.iter().all(|copy| succeeds(copy.program())));
        drop(copies);
        let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["built"]);
        fs::remove_dir_all(&dir).unwrap();
    }
}
