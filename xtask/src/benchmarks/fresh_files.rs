//! A file of a program that runs once.

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

/// A copy of a program, deleted when dropped.
///
/// While the system caches a file, its pages stay where they are in memory, at every start of the
/// program. So one place would decide for all rounds which sets of the caches a way's code shares
/// with other code. A new file gets new pages.
pub(super) struct FreshFile(PathBuf);

impl FreshFile {
    /// Copies a program into the directory. Not by `fs::copy`: it may make a file that shares its
    /// blocks and pages with the other.
    pub(super) fn copy(program: &Path, dir: &Path, pages: Pages) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let bytes = fs::read(program)?;
        let fresh = Self(dir.join(format!("start-{}-{number}", process::id())));
        let file = File::create_new(&fresh.0)?;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        match pages {
            // What is written at once is cached in pieces of up to megabytes. A page's place in
            // its piece, which chooses its sets in the caches, follows from its place in the file.
            Pages::Whole => file.write_all_at(&bytes, 0)?,
            Pages::Scattered => {
                let pages: Vec<_> = bytes.chunks(PAGE).zip((0_u64..).step_by(PAGE)).collect();
                for (page, at) in shuffled(pages, &mut Random(number)) {
                    file.write_all_at(page, at)?;
                }
            }
        }
        // Now, so that nothing is written to the disk while the program is measured.
        file.sync_all()?;
        Ok(fresh)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for FreshFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::process::Command;

    use super::{FreshFile, Pages};

    #[test]
    fn each_copy_is_a_file_of_its_own_that_runs_and_is_deleted() {
        let (program, dir) = (Path::new("/bin/true"), std::env::temp_dir());
        let copies = [Pages::Whole, Pages::Scattered]
            .map(|pages| FreshFile::copy(program, &dir, pages).unwrap());
        let [a, b] = copies.each_ref().map(|copy| fs::metadata(copy.path()).unwrap());
        assert_ne!(a.ino(), b.ino());
        for copy in &copies {
            assert_eq!(fs::read(copy.path()).unwrap(), fs::read(program).unwrap());
            assert!(Command::new(copy.path()).status().unwrap().success());
        }
        let paths = copies.each_ref().map(|copy| copy.path().to_owned());
        drop(copies);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
