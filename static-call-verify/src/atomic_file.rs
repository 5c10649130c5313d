//! Files that are either complete or absent.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Returns `path` with `suffix` after its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Replaces the file at `path` with these bytes, in one step as others see it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, None)
}

/// Like [`replace`], and sets these permissions.
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

/// Writes `parts` of `bytes` to the file at `path`, which has the same length.
///
/// Stamping changes the table and a few instructions of an image that may be large. No other
/// process knows the file yet.
pub(crate) fn write_parts(path: &Path, bytes: &[u8], parts: &[Range<usize>]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).open(path)?;
    if usize::try_from(file.metadata()?.len()) != Ok(bytes.len()) {
        return Err(io::Error::other("the length of the image has changed"));
    }
    for part in parts {
        file.seek(SeekFrom::Start(part.start as u64))?;
        let part = bytes.get(part.clone());
        file.write_all(part.ok_or(io::ErrorKind::InvalidInput)?)?;
    }
    file.flush()
}

/// A file that is removed when dropped, unless it was renamed.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// Takes ownership of the file at `path`, which need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Renames it to `path`, replacing any file there.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
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
    fn parts_are_written_in_place() {
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
        let past_end = 299_999..300_001;
        assert!(write_parts(file.path(), &bytes, &[past_end]).is_err(), "past the end");
        bytes.push(0);
        assert!(write_parts(file.path(), &bytes, &[]).is_err(), "a different length is refused");
    }
}
