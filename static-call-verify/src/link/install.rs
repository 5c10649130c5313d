//! The directory from which a driver runs the hook as its linker.

use std::path::Path;
use std::{fs, io};

use crate::atomic_file::{self, Temporary};

/// The name that collect2, GCC's linker driver, looks for before any other linker.
pub(crate) const REAL_LD: &str = "real-ld";
/// What clang runs for `-fuse-ld=bfd`.
pub(crate) const BFD: &str = "ld.bfd";

/// Installs the running executable as `dir/name`: as a hard link or, on another file system, a
/// copy.
///
/// Other processes may be using the file, or doing the same. So it is replaced in one step, and not
/// at all if it is already right.
pub(crate) fn install(dir: &Path, name: &str) -> io::Result<()> {
    let path = dir.join(name);
    let me = std::env::current_exe()?;
    if is_same(&me, &path) {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    let new = Temporary::new(atomic_file::beside(&path, &format!(".{}", std::process::id())));
    if fs::hard_link(&me, new.path()).is_err() {
        fs::copy(&me, new.path())?;
        let modified = fs::metadata(&me)?.modified()?;
        fs::File::options().write(true).open(new.path())?.set_modified(modified)?;
    }
    new.persist(&path)
}

fn is_same(a: &Path, b: &Path) -> bool {
    let look = |path| fs::metadata(path).and_then(|m| Ok((m.len(), m.modified()?)));
    matches!((look(a), look(b)), (Ok(a), Ok(b)) if a == b)
}
