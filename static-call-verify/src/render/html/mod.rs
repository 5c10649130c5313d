//! The report as one HTML file. It loads nothing from elsewhere and is complete without scripts.
//!
//! The data comes first: the verdict, the findings and the calls. The legend of the drawings
//! follows. The drawings are SVG with patterns and letters, so that they can be printed and need no
//! colour. The script only filters what is already in the page.

mod escape;
mod keys;
mod legend;
mod line;
mod summary;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use escape::Text;

use super::text::{Count, InSteps, Ratio};
use crate::policy::Level;
use crate::report::{Call, Grade, Kind, Reason, Report};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// With more rows than this, the calls of every key start folded.
const MOST_UNFOLDED: usize = 60;

const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                              script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Returns the report as one HTML file for people: what is inline, what of that is retargeted in
/// steps, what is not inline and why, with every call drawn on its cache line.
///
/// `image` is the path of the image as shown in the page. The file loads nothing and sends nothing.
/// The same report gives the same text. The file's address accepts a filter, as in
/// `report.html#path=inline&update=steps`.
///
/// # Examples
///
/// ```no_run
/// use static_call_verify::{Policy, render::html, verify};
///
/// let image = "target/release/app";
/// let report = verify(&std::fs::read(image)?, &Policy::default());
/// std::fs::write("report.html", html(&report, image))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn html(report: &Report, image: &str) -> String {
    Page { report, image }.to_string()
}

struct Page<'r> {
    report: &'r Report,
    image: &'r str,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, image } = self;
        writeln!(
            f,
            r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">
<title>{}: {}</title>
<style>
{STYLE}</style>
</head>
<body>
<a class="skip" href="#keys">To the calls</a>"##,
            Text(image),
            summary::title(report)
        )?;
        let is_drawn = report.calls.len() + report.labels.len() > 0;
        if is_drawn {
            line::shapes(f, report)?;
        }
        f.write_str("<main>\n")?;
        summary::write(f, report, image)?;
        keys::write(f, report)?;
        if is_drawn {
            legend::write(f)?;
        }
        summary::image(f, report)?;
        writeln!(
            f,
            "</main>\n<footer>static-call-verify {}</footer>\n<script>\n{SCRIPT}</script>\n\
             </body>\n</html>",
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// How something that names a trampoline reaches its target: the word in the row, and in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Inline,
    Trampoline,
    /// Not a call: something that holds the address of a trampoline.
    Address,
    /// A jump label that is not what the macros emit: it tests its key.
    Alone,
}

impl Path {
    const ALL: [Self; 4] = [Self::Inline, Self::Trampoline, Self::Address, Self::Alone];

    fn of(call: &Call) -> Self {
        match (call.listed, call.is_call()) {
            (true, _) => Self::Inline,
            (false, true) => Self::Trampoline,
            (false, false) => Self::Address,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Trampoline => "trampoline",
            Self::Address => "address",
            Self::Alone => "alone",
        }
    }

    /// Returns a mark to show beside the word, for readers who recognise shapes better than words.
    fn mark(self) -> &'static str {
        match self {
            Self::Inline => "✓",
            Self::Trampoline => "↷",
            Self::Address => "*",
            Self::Alone => "?",
        }
    }
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Call, "call"),
    (Kind::Jmp, "tail call"),
    (Kind::Jcc, "conditional tail call"),
    (Kind::CallGot, "call through the GOT"),
    (Kind::JmpGot, "tail call through the GOT"),
    (Kind::Register, "address in a register"),
    (Kind::AddressTaken, "address taken"),
    (Kind::Label, "jump label"),
];

/// What an update does to an inline call: the word in a filter, and the text.
const UPDATES: [(&str, &str); 2] = [("one-store", "one store"), ("steps", STEPS)];

/// What an inline call is called whose displacement a boundary cuts.
const STEPS: &str = "in steps";

/// Returns the word of [`UPDATES`] for an instruction, if it is inline.
fn update(path: Path, grade: Grade) -> Option<&'static str> {
    let [(one_store, _), (steps, _)] = UPDATES;
    (path == Path::Inline).then_some(if grade.takes_steps() { steps } else { one_store })
}

const GRADES: [Grade; 5] = [Grade::Quad, Grade::Disp, Grade::Line, Grade::Straddle, Grade::None];

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ShortJump => "short",
        Reason::UnusualPrefix => "prefix",
        Reason::ThroughGot => "via-got",
        Reason::ThroughPlt => "via-plt",
        Reason::ThroughRegister => "register",
        Reason::CodeModel => "code-model",
        Reason::AddressComputed => "address-computed",
        Reason::AddressInData => "address-in-data",
        Reason::NotProved => "not-proved",
        Reason::NoExtent => "no-extent",
        Reason::UnsoundTrampoline => "unsound-trampoline",
        Reason::NoTable => "no-table",
        Reason::NoRuntime => "no-runtime",
        Reason::EmptyTable => "empty-table",
        Reason::StaleTable => "stale-table",
    }
}

/// Writes a bar that shows how much is inline and how much is not.
fn bar(f: &mut impl Write, inline: usize, all: usize) -> fmt::Result {
    if inline == all {
        return f.write_str(
            "<svg class=\"bar\" aria-hidden=\"true\">\
             <rect class=\"i\" width=\"100%\" height=\"100%\"/></svg>",
        );
    }
    // Never rounded up: a bar is full only if everything is inline.
    let part = inline * 100 / all.max(1);
    write!(
        f,
        "<svg class=\"bar\" aria-hidden=\"true\">\
         <rect class=\"t\" width=\"100%\" height=\"100%\"/>\
         <rect width=\"100%\" height=\"100%\" fill=\"url(#hatch)\"/>\
         <rect class=\"i\" width=\"{part}%\" height=\"100%\"/></svg>"
    )
}
