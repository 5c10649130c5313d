//! Files that are whole or not there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// `path` with `suffix` behind its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A name beside `path` that is this process's own: a link that was killed can have left a linker behind,
/// which goes on writing under that link's name.
pub(crate) fn own(path: &Path, suffix: &str) -> PathBuf {
    beside(path, &format!("{OWN}{}{suffix}", std::process::id()))
}

/// Between the name of an output and the number of the process that makes it.
const OWN: &str = ".static-call.";

/// Removes what processes that were killed have left beside `path` under names that were their own.
pub(crate) fn remove_leftovers(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let owner = owner(&entry.file_name(), name);
        if owner.is_some_and(|owner| !processes.join(owner).exists()) {
            // Somebody else's directory, or already gone: nothing depends on it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The number of the process whose own name beside `output` this is, or is the beginning of this.
fn owner(name: &OsStr, output: &OsStr) -> Option<String> {
    let rest = name.as_encoded_bytes().strip_prefix(output.as_encoded_bytes())?;
    let rest = rest.strip_prefix(OWN.as_bytes())?;
    let (number, _) = rest.split_at(rest.iter().position(|&b| b == b'.').unwrap_or(rest.len()));
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    is_number.then(|| String::from_utf8_lossy(number).into_owned())
}

/// Makes `path` a file of these bytes, in one step for everybody else.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, None)
}

/// The same with these permissions.
pub(crate) fn replace_with(
    path: &Path,
    bytes: &[u8],
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    let new = beside(path, &format!(".{}", std::process::id()));
    let written = fs::write(&new, bytes);
    let written =
        written.and_then(|()| permissions.map_or(Ok(()), |p| fs::set_permissions(&new, p)));
    let done = written.and_then(|()| fs::rename(&new, path));
    if done.is_err() {
        let _ = fs::remove_file(&new);
    }
    done
}

/// Writes `parts` of `bytes` to the file at `path`, which has their length.
///
/// Stamping changes the table and a few instructions of an image that may be large. Nobody else
/// knows the file yet.
pub(crate) fn write_parts(path: &Path, bytes: &[u8], parts: &[Range<usize>]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).open(path)?;
    if usize::try_from(file.metadata()?.len()) != Ok(bytes.len()) {
        return Err(io::Error::other("the image changed its length"));
    }
    for part in parts {
        file.seek(SeekFrom::Start(part.start as u64))?;
        let part = bytes.get(part.clone());
        file.write_all(part.ok_or(io::ErrorKind::InvalidInput)?)?;
    }
    file.flush()
}

/// A file that is removed unless it was renamed.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// Takes charge of the file at `path`, which need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name, in the place of what had it.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
        // As linkers do, and earlier. Where a rename replaces a file, ext4 begins at once to write the
        // new one to the disk. Who is killed between the two leaves none.
        let _ = fs::remove_file(path);
        fs::rename(&self.0, path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_removed() {
        let owner = |name: &str| owner(OsStr::new(name), OsStr::new("app-1"));
        for own in ["app-1.static-call.17", "app-1.static-call.17.o", "app-1.static-call.17.tmpa1"]
        {
            assert_eq!(owner(own).as_deref(), Some("17"));
        }
        for other in
            ["app-1", "app-1.d", "app-1.static-call", "app-1.static-call.", "app-12.static-call.1"]
        {
            assert_eq!(owner(other), None, "{other}");
        }
        assert_eq!(owner("app-1.static-call.o"), None);
        assert_eq!(owner("app-1.static-call.1x"), None);
        let mine = super::own(Path::new("dir/app-1"), ".o");
        let mine = owner(mine.file_name().unwrap().to_str().unwrap());
        assert_eq!(mine, Some(std::process::id().to_string()));
    }

    #[test]
    fn changes_are_written_where_they_are() {
        let file = Temporary::new(
            std::env::temp_dir().join(format!("static-call-output-{}", std::process::id())),
        );
        let mut bytes: Vec<u8> = (0..300_000_u32).map(|i| (i * 7) as u8).collect();
        fs::write(file.path(), &bytes).unwrap();
        let parts = [0..1, 65_535..65_537, 140_000..140_100, 299_999..300_000];
        for i in parts.iter().cloned().flatten() {
            bytes[i] ^= 0xff;
        }
        write_parts(file.path(), &bytes, &parts).unwrap();
        assert!(fs::read(file.path()).unwrap() == bytes);
        let behind = 299_999..300_001;
        assert!(write_parts(file.path(), &bytes, &[behind]).is_err(), "behind the end");
        bytes.push(0);
        assert!(write_parts(file.path(), &bytes, &[]).is_err(), "another length is refused");
    }
}
