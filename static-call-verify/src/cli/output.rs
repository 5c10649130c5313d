//! Where results go, and their colours.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};

/// Prints to standard output. A reader that went away, as `head` does, ends the process quietly.
pub(super) fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// Writes to a file, in one step and without colours, or prints.
pub(super) fn deliver(text: &str, file: Option<&Path>) -> io::Result<()> {
    let Some(path) = file else {
        print(text);
        return Ok(());
    };
    let plain = anstream::adapter::strip_str(text).to_string();
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return std::fs::write(path, plain);
    }
    crate::hook::output::replace(path, plain.as_bytes())
}

/// A word in a colour, which goes away where nobody sees it.
pub(super) fn paint(style: Style, word: &str) -> String {
    format!("{style}{word}{style:#}")
}

/// The style of a word that is good, or bad, or a heading.
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
                .replacen(" trampoline ", &format!(" {} ", paint(bad(), "trampoline")), 1),
            None if line.starts_with("static-call: ") => paint(heading(), line),
            None => line.to_owned(),
        };
        text.push('\n');
    }
    text
}
