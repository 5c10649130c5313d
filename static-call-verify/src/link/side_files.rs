//! Files that a linker writes besides the image: maps, dependencies, traces. They name a directory
//! that exists only during the link.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use memchr::memmem;

use super::scratch::{OBJECT, Scratch, first_directory, without_scratch};

/// Options that name a text file that can contain the path of the image or of the table's object.
const OPTIONS: [&str; 5] =
    ["Map", "dependency-file", "print-gc-sections", "time-trace", "time-trace-file"];
/// Those whose file can be the next word.
const SEPARATE: [&str; 2] = ["Map", "dependency-file"];

/// Returns the file that `arg` makes the linker write. `next` is the word after it.
pub(crate) fn named<'a>(arg: &'a str, next: Option<&'a str>) -> Option<&'a Path> {
    let option = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    let option = option.strip_prefix("plugin-opt=").unwrap_or(option);
    let file = match option.split_once('=') {
        Some((name, file)) => OPTIONS.contains(&name).then_some(file),
        None => next.filter(|_| SEPARATE.contains(&option)),
    };
    // `-` is standard output.
    file.filter(|file| !matches!(*file, "" | "-")).map(Path::new)
}

/// Moves the files written along with an image to their places, and makes them name the image by
/// its final name. Prints what goes wrong: the image is complete anyway.
pub(crate) fn finish(named: &[PathBuf], output: &Path, scratch: &Scratch) {
    for (from, to) in scratch.others() {
        let moved = clean(&from).and_then(|()| fs::rename(&from, &to));
        moved.unwrap_or_else(|error| complain(&to, &error));
    }
    for path in named {
        // GNU ld names a map in a directory after the image.
        let in_directory = || {
            let mut name = output.file_name().unwrap_or_default().to_owned();
            name.push(".map");
            path.join(name)
        };
        let path = if path.is_dir() { Cow::Owned(in_directory()) } else { Cow::Borrowed(path) };
        match clean(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => complain(&path, &error),
            _ => {}
        }
    }
}

fn complain(path: &Path, error: &io::Error) {
    eprintln!("static-call: warning: {}: {error}", path.display());
}

/// Changes the names in a text file; leaves other files unchanged.
fn clean(path: &Path) -> io::Result<()> {
    if !fs::metadata(path)?.is_file() {
        return Ok(());
    }
    let text = fs::read(path)?;
    if text.contains(&0) {
        return Ok(());
    }
    let without = without_object(&text);
    match without_scratch(&without) {
        Cow::Borrowed(same) if same.len() == text.len() => Ok(()),
        new => fs::write(path, new),
    }
}

/// Removes from a list of dependencies the object with the table, which exists only during the
/// link: a missing prerequisite would make `make` link again every time. Leaves other texts
/// unchanged.
fn without_object(text: &[u8]) -> Cow<'_, [u8]> {
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let is_rule = |directory: &&[u8]| {
        let name = first.get(directory.len()..).unwrap_or_default();
        memmem::find(name, b": ").is_some()
    };
    let Some(directory) = first_directory(first).filter(is_rule) else {
        return Cow::Borrowed(text);
    };
    let object = [b" ", directory, OBJECT.as_bytes()].concat();
    let mut new: Vec<u8> = Vec::new();
    for line in text.split_inclusive(|b| *b == b'\n') {
        if memmem::find(line, OBJECT.as_bytes()).is_none() {
            new.extend_from_slice(line);
        } else if let Some(at) = memmem::find(line, &object).filter(|_| line.starts_with(first)) {
            // mold writes one line, and escapes nothing.
            new.extend_from_slice(line.get(..at).unwrap_or_default());
            new.extend_from_slice(line.get(at + object.len()..).unwrap_or_default());
        } else if !line.ends_with(b"\\\n") && new.ends_with(b" \\\n") {
            // The other linkers write one per line. This was the last.
            new.truncate(new.len() - 3);
            new.push(b'\n');
        } else if line.trim_ascii_end().ends_with(b":") && new.ends_with(b"\n\n") {
            // A separate rule, after an empty line.
            new.pop();
        }
    }
    Cow::Owned(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<&Path> {
        let (arg, next) = line.split_once(' ').map_or((line, None), |(a, n)| (a, Some(n)));
        named(arg, next)
    }

    #[test]
    fn options_in_every_form() {
        for option in ["-Map", "--Map", "-dependency-file", "--dependency-file"] {
            for between in [" ", "="] {
                let line = format!("{option}{between}x/f");
                assert_eq!(of(&line), Some(Path::new("x/f")), "{line}");
            }
        }
        for option in ["--time-trace=", "--plugin-opt=time-trace=", "-plugin-opt=time-trace="] {
            assert_eq!(of(&format!("{option}f")), Some(Path::new("f")), "{option}");
        }
        for line in ["-Map", "-Map=-", "-Map -", "--time-trace f", "-M f", "Map f", "-map f"] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    /// In the form that each linker writes.
    #[test]
    fn dependencies() {
        let mark = crate::link::scratch::mark();
        let is = |text: &str, expected: &str| {
            let text = text.replace("DIR", &format!("d/{mark}app")).replace("TABLE", OBJECT);
            let new = without_object(text.as_bytes());
            let new = without_scratch(&new);
            assert_eq!(String::from_utf8_lossy(&new), expected.replace("TABLE", OBJECT));
        };
        // GNU ld and gold; lld writes one space.
        is(
            "DIR/app: \\\n  a.o \\\n  b c.o \\\n  DIR/TABLE\n\na.o:\n\nb c.o:\n\nDIR/TABLE:\n",
            "d/app: \\\n  a.o \\\n  b c.o\n\na.o:\n\nb c.o:\n",
        );
        is("DIR/app: \\\n a.o \\\n DIR/TABLE \\\n b.o\n", "d/app: \\\n a.o \\\n b.o\n");
        is("DIR/app: a.o DIR/TABLE b.o\n\nDIR/TABLE:\n", "d/app: a.o b.o\n");
        // A map.
        is("LOAD DIR/TABLE\nOUTPUT(DIR/app elf)\n", "LOAD d/TABLE\nOUTPUT(d/app elf)\n");
    }
}
