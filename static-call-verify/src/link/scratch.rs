//! The directory in which an image is made before it gets its name.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use memchr::memmem;

/// The prefix of the names of these directories. The process id follows, and after a dot the name
/// of the output.
const PREFIX: &str = ".static-call.";
/// The object with the table.
pub(crate) const OBJECT: &str = "static-call-table.o";

/// A directory next to the output that belongs to this process. A killed link may have left behind
/// a linker that is still writing to its own directory.
///
/// The output has its final name in it, so that files that a linker names after the output get the
/// right names, and are in this directory too. Everything that was not moved out is removed.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: PathBuf,
    output: PathBuf,
}

impl Scratch {
    /// Creates the directory for the link of `output`.
    pub(crate) fn new(output: &Path) -> io::Result<Self> {
        let name = output.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let mut own = OsString::from(mark());
        own.push(name);
        let scratch = Self { dir: output.with_file_name(own), output: output.to_owned() };
        if let Err(error) = fs::create_dir(&scratch.dir) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            // Left by a process that had the same id.
            fs::remove_dir_all(&scratch.dir)?;
            fs::create_dir(&scratch.dir)?;
        }
        Ok(scratch)
    }

    /// Returns the path of the image.
    pub(crate) fn image(&self) -> PathBuf {
        self.dir.join(self.output.file_name().unwrap_or_default())
    }

    /// Returns the path of the object with the table.
    pub(crate) fn object(&self) -> PathBuf {
        self.dir.join(OBJECT)
    }

    /// Returns the other files that the linker has written here, because it names them after the
    /// output: each file, and where it belongs.
    pub(crate) fn others(&self) -> Vec<(PathBuf, PathBuf)> {
        let own = [self.image(), self.object()];
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let paths = entries.map(|entry| (entry.path(), entry.file_name()));
        let others = paths.filter(|(path, _)| !own.contains(path));
        others.map(|(path, name)| (path, self.output.with_file_name(name))).collect()
    }

    /// Renames the image to the output, replacing any file there.
    pub(crate) fn persist(self) -> io::Result<()> {
        // Linkers remove the output too, only earlier. If a rename replaces a file, ext4
        // immediately begins to write the new one to disk. If this process is killed between the
        // two calls, there is no image.
        let _ = fs::remove_file(&self.output);
        fs::rename(self.image(), &self.output)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Returns text that occurs in paths of this process's directories and nowhere else.
pub(crate) fn mark() -> String {
    format!("{PREFIX}{}.", process::id())
}

/// Replaces paths in this process's directories with those of the files next to the directories.
pub(crate) fn without_scratch(text: &[u8]) -> Cow<'_, [u8]> {
    let mark = mark();
    let mut clean = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = split(rest, mark.as_bytes()) {
        clean.extend_from_slice(before);
        if name.contains(&b'\n') {
            clean.extend_from_slice(mark.as_bytes());
            clean.extend_from_slice(name);
            clean.push(b'/');
        }
        rest = after;
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    clean.extend_from_slice(rest);
    Cow::Owned(clean)
}

/// Returns the first path of a directory of this process, with everything before it.
pub(crate) fn first_directory(text: &[u8]) -> Option<&[u8]> {
    let (before, name, _) = split(text, mark().as_bytes())?;
    text.get(..before.len() + mark().len() + name.len() + 1)
}

/// Returns what is before the mark, between it and the next slash, and after that slash.
fn split<'t>(text: &'t [u8], mark: &[u8]) -> Option<(&'t [u8], &'t [u8], &'t [u8])> {
    let (before, rest) = text.split_at(memmem::find(text, mark)?);
    let rest = rest.get(mark.len()..)?;
    let (name, after) = rest.split_at(rest.iter().position(|b| *b == b'/')?);
    Some((before, name, after.get(1..)?))
}

/// Removes the directories that killed processes have left next to `output`.
pub(crate) fn remove_leftovers(output: &Path) {
    let Some(name) = output.file_name() else { return };
    let dir = output.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let owner = owner(entry.file_name().as_encoded_bytes(), name.as_encoded_bytes());
        if owner.is_some_and(|owner| !processes.join(owner).exists()) {
            // Another user's directory, or already gone: nothing depends on it.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the id of the process whose directory for `output` has this name.
fn owner(name: &[u8], output: &[u8]) -> Option<String> {
    let number = name.strip_prefix(PREFIX.as_bytes())?.strip_suffix(output)?.strip_suffix(b".")?;
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    is_number.then(|| String::from_utf8_lossy(number).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_removed() {
        let owner = |name: &str| owner(name.as_bytes(), b"app-1");
        assert_eq!(owner(".static-call.17.app-1").as_deref(), Some("17"));
        for other in ["app-1", "app-1.d", ".static-call.app-1", ".static-call..app-1"] {
            assert_eq!(owner(other), None, "{other}");
        }
        for other in [".static-call.17.app-12", ".static-call.1x.app-1", ".static-call.17app-1"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    #[test]
    fn texts_name_the_files_next_to_the_directory() {
        let clean = |text: &str| {
            let text = text.replace("MARK", &mark());
            String::from_utf8(without_scratch(text.as_bytes()).into_owned()).unwrap()
        };
        assert_eq!(clean("a/MARKapp/app: \\\n MARKapp/x.o\n"), "a/app: \\\n x.o\n");
        assert_eq!(clean("a/MARKa\\ b/a\\ b: c d/MARKe/f"), "a/a\\ b: c d/f");
        for text in ["", "a/b", ".static-call.1.app/app"] {
            assert_eq!(clean(text), text);
        }
        // Not a path.
        for text in ["MARK", "MARKapp", "MARKapp\n a/b"] {
            assert_eq!(clean(text), text.replace("MARK", &mark()));
        }
    }

    #[test]
    fn leftovers_are_removed() {
        let dir = std::env::temp_dir().join(format!("static-call-scratch-{}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        let output = dir.join("app");
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        for _ in 0..2 {
            let scratch = Scratch::new(&output).unwrap();
            fs::write(scratch.object(), "o").unwrap();
            fs::write(scratch.image(), "image").unwrap();
            let map = scratch.dir.join("app.map");
            fs::write(&map, "map").unwrap();
            assert_eq!(scratch.others(), [(map, dir.join("app.map"))]);
            scratch.persist().unwrap();
            assert_eq!(names(), ["app"]);
        }
        // Left by a process that had this id, and by one that is gone.
        std::mem::forget(Scratch::new(&output).unwrap());
        assert_eq!(names().len(), 2);
        drop(Scratch::new(&output).unwrap());
        assert_eq!(names(), ["app"]);
        fs::create_dir(dir.join(".static-call.999999999.app")).unwrap();
        remove_leftovers(&output);
        assert_eq!(names(), ["app"]);
        assert!(Scratch::new(Path::new("..")).is_err() && Scratch::new(Path::new("")).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
