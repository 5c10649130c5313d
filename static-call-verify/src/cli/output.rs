//! Where results go, and their colours.

use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::exit::UNREADABLE;
use crate::atomic_file::{replace, replace_with};

/// Prints to standard output, in one step. If the reader is gone, as with `head`, that is not an
/// error.
fn print(text: &str) -> io::Result<()> {
    let out = io::stdout();
    let plain = match anstream::AutoStream::choice(&out) {
        anstream::ColorChoice::Never => Some(anstream::adapter::strip_str(text).to_string()),
        _ => None,
    };
    let mut out = out.lock();
    match out.write_all(plain.as_deref().unwrap_or(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints the whole output of a command.
pub(super) fn finish(text: &str) -> ExitCode {
    match deliver(text, None) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

/// Prints an error.
pub(super) fn complain(what: impl Display) {
    let red = AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}error{red:#}: static-call: {what}");
}

/// Prints an error about a file.
pub(super) fn complain_of(file: &Path, what: impl Display) {
    complain(format_args!("{}: {what}", file.display()));
}

/// Prints a note, which does not change the result.
pub(super) fn note(what: impl Display) {
    let cyan = AnsiColor::Cyan.on_default().bold();
    anstream::eprintln!("{cyan}note{cyan:#}: static-call: {what}");
}

/// Writes to a file, in one step and without colours, or prints. Prints an error if that fails.
pub(super) fn deliver(text: &str, file: Option<&Path>) -> Result<(), ExitCode> {
    let result = file.map_or_else(|| print(text), |path| write(text, path));
    result.map_err(|error| {
        complain_of(file.unwrap_or(Path::new("standard output")), error);
        ExitCode::from(UNREADABLE)
    })
}

fn write(text: &str, path: &Path) -> io::Result<()> {
    write_file(path, anstream::adapter::strip_str(text).to_string().as_bytes())
}

/// Writes a file in one step and keeps its permissions. Follows a link.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_writable(path)?;
    let Ok(real) = fs::canonicalize(path) else {
        // A new file, or a link to nothing, which remains a link.
        return if path.is_symlink() { fs::write(path, bytes) } else { replace(path, bytes) };
    };
    let metadata = fs::metadata(&real)?;
    if !metadata.is_file() {
        return fs::write(real, bytes);
    }
    replace_with(&real, bytes, Some(metadata.permissions()))
}

/// Checks that an existing file may be written: replacing it only requires write access to its
/// directory.
pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            if metadata.permissions().readonly() {
                let why = "the file is read-only: make it writable first";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            OpenOptions::new().write(true).open(path).map(drop)
        }
        _ => Ok(()),
    }
}

/// Colours a word. The colour is removed if the output does not support it.
pub(super) fn paint(style: Style, word: &str) -> String {
    format!("{style}{word}{style:#}")
}

/// Returns the style of a good word; [`bad`] and [`heading`] return the others.
pub(super) fn good() -> Style {
    AnsiColor::Green.on_default()
}

pub(super) fn bad() -> Style {
    AnsiColor::Yellow.on_default()
}

pub(super) fn heading() -> Style {
    Style::new().bold()
}

/// Colours the text of a report, line by line.
pub(super) fn coloured(report: &str) -> String {
    let mut text = String::new();
    for line in report.lines() {
        let severities = [
            ("error: ", AnsiColor::Red.on_default().bold()),
            ("warning: ", AnsiColor::Yellow.on_default().bold()),
            ("note: ", AnsiColor::Cyan.on_default().bold()),
        ];
        let severity = severities.iter().find(|(word, _)| line.starts_with(word));
        text += &match severity {
            Some((word, style)) => paint(*style, word.trim_end()) + &line[word.len() - 1..],
            None if line.starts_with("  0x") => line
                .replacen(" inline ", &format!(" {} ", paint(good(), "inline")), 1)
                .replacen(" inline, steps ", &format!(" {} ", paint(good(), "inline, steps")), 1)
                .replacen(" trampoline ", &format!(" {} ", paint(bad(), "trampoline")), 1),
            None if line.starts_with("static-call: ") => paint(heading(), line),
            None => line.to_owned(),
        };
        text.push('\n');
    }
    text
}
