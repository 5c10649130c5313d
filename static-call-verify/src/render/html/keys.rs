//! Every key with its calls and jump labels, and the controls that filter them.

use std::fmt::{self, Write};

use super::escape::{Place, Text};
use super::line::{Boundary, Drawn};
use super::{
    Call, Count, GRADES, Grade, KINDS, Kind, MOST_UNFOLDED, Path, Ratio, Reason, Report, STEPS,
    UPDATES, bar, reason, update,
};
use crate::report::{Key, Label, Source};

pub(super) fn write(f: &mut impl Write, report: &Report) -> fmt::Result {
    f.write_str(
        "<section id=\"keys\" aria-labelledby=\"keys-title\">\n\
         <h2 id=\"keys-title\">Calls by key</h2>\n",
    )?;
    if report.keys.is_empty() {
        return f.write_str("<p>There are no keys in this image.</p>\n</section>\n");
    }
    if report.calls.len() + report.labels.len() > 0 {
        f.write_str(
            "<p>Each row is one instruction, drawn where it lies in its cache line. \
             <a href=\"#legend\">How to read the drawings</a></p>\n",
        )?;
        controls(f, report)?;
    }
    let mut calls = vec![Vec::new(); report.keys.len()];
    for call in &report.calls {
        if let Some(of_key) = calls.get_mut(call.key) {
            of_key.push(call);
        }
    }
    for (index, key) in report.keys.iter().enumerate() {
        let calls = calls.get(index).map(Vec::as_slice).unwrap_or_default();
        one(f, report, index, key, calls)?;
    }
    f.write_str("</section>\n")
}

fn controls(f: &mut impl Write, report: &Report) -> fmt::Result {
    f.write_str(
        r#"<form id="filter" hidden role="search" aria-label="Filter the calls">
    <label class="wide">Search
    <input type="search" name="text" placeholder="file, function or address" autocomplete="off" "#,
    )?;
    f.write_str("spellcheck=\"false\"></label>\n")?;
    let hidden = if report.keys.len() < 2 { " hidden" } else { "" };
    write!(f, r#"<label{hidden}>Key <select name="key"><option value="">all</option>"#)?;
    for (index, key) in report.keys.iter().enumerate() {
        write!(f, r#"<option value="{index}">{}</option>"#, Text(&key.path()))?;
    }
    f.write_str("</select></label>")?;
    let has = |path| {
        let label = |l| Drawn::label(l).shape.path == path;
        report.calls.iter().any(|c| Path::of(c) == path) || report.labels.iter().any(label)
    };
    let paths = Path::ALL.into_iter().filter(|&path| has(path));
    select(f, "path", "Path", paths.map(|path| (path.word(), path.word())))?;
    let has = |of| {
        let label = |l| update(Drawn::label(l).shape.path, label_grade(l)) == Some(of);
        report.calls.iter().any(|c| update(Path::of(c), c.grade) == Some(of))
            || report.labels.iter().any(label)
    };
    select(f, "update", "Update", UPDATES.into_iter().filter(|&(of, _)| has(of)))?;
    let has = |of| {
        let label = |l| label_grade(l) == of;
        report.calls.iter().any(|c| c.grade == of) || report.labels.iter().any(label)
    };
    let grades = GRADES.into_iter().filter(|&of| has(of));
    select(f, "grade", "Grade", grades.map(|of| (of.as_str(), of.as_str())))?;
    let has = |of| {
        let label = of == Kind::Label && !report.labels.is_empty();
        label || report.calls.iter().any(|c| c.kind == of)
    };
    let kinds = KINDS.into_iter().filter(|&(of, _)| has(of));
    select(f, "kind", "Kind", kinds.map(|(of, text)| (of.as_str(), text)))?;
    let mut reasons: Vec<Reason> = report.calls.iter().filter_map(|c| report.reason(c)).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let reasons = reasons.into_iter().map(|why| (reason(why), why.to_string()));
    select(f, "reason", "Why not inline", reasons)?;
    f.write_str(
        r#"
        <span class="buttons"><button type="reset">Show all</button>
        <button type="button" id="unfold">Open all keys</button>
        <button type="button" id="fold">Close all</button></span>
        "#,
    )?;
    writeln!(f, r#"<output id="shown" aria-live="polite" data-all="{}"></output>"#, all(report))?;
    f.write_str(
        r#"</form>
<noscript><p>The filter needs scripts; everything else works without them.</p></noscript>
<p id="nothing" hidden>Nothing matches the filter.</p>
"#,
    )
}

/// Returns how many rows there are, and of what: `36 in all: 25 calls, 11 jump labels`.
fn all(report: &Report) -> String {
    let Ratio { calls, labels, others, .. } = Ratio::of(&report.calls, &report.labels);
    let parts = [(calls, "call"), (labels, "jump label"), (others, "other use")];
    let parts = parts.into_iter().filter(|&(count, _)| count > 0);
    let parts: Vec<String> = parts.map(|(count, word)| Count(count, word).to_string()).collect();
    match *parts {
        [] => "None".to_owned(),
        _ => format!("{} in all: {}", calls + labels + others, parts.join(", ")),
    }
}

fn select(
    f: &mut impl Write,
    name: &str,
    title: &str,
    options: impl Iterator<Item = (&'static str, impl fmt::Display)>,
) -> fmt::Result {
    let options: Vec<_> = options.collect();
    // A single option says nothing about a row, but an address may still select it.
    let hidden = if options.len() < 2 { " hidden" } else { "" };
    write!(f, "\n<label{hidden}>{title} <select name=\"{name}\"><option value=\"\">all</option>")?;
    for (value, text) in options {
        write!(f, r#"<option value="{value}">{text}</option>"#)?;
    }
    f.write_str("</select></label>")
}

fn one(
    f: &mut impl Write,
    report: &Report,
    index: usize,
    key: &Key,
    calls: &[&Call],
) -> fmt::Result {
    let labels: Vec<&Label> = report.labels.iter().filter(|l| l.key == index).collect();
    let ratio = Ratio::of(calls.iter().copied(), labels.iter().copied());
    let rows = report.calls.len() + report.labels.len();
    let open = if rows <= MOST_UNFOLDED { " open" } else { "" };
    write!(
        f,
        r#"<details class="key" id="key-{index}" data-key="{index}"{open}>
<summary><h3><span class="module">{}::<wbr></span>{}</h3> <span class="ratio">{ratio}</span> "#,
        Place(&key.module),
        Place(&key.name)
    )?;
    if ratio.calls > 0 {
        bar(f, ratio.inline, ratio.calls)?;
    }
    let sites = report.sites.iter().filter(|s| s.key == Some(index)).count();
    let trampolines = report.trampolines.iter().filter(|t| t.key == index).count();
    let off = if key.has_no_body { ", a no-op until you turn it on" } else { "" };
    let bound = if key.is_bound { ", bound to its default in the file" } else { "" };
    let macros = match sites {
        0 => String::new(),
        _ => format!("{}, ", Count(sites, "<code>call!</code> site")),
    };
    writeln!(
        f,
        "</summary>\n<p class=\"facts\"><code>{}</code> \
         <span>declared in <code>{}</code>{off}{bound}; {macros}{}</span></p>",
        Text(&key.signature),
        Place(&key.source.to_string()),
        Count(trampolines, "trampoline")
    )?;
    if calls.is_empty() && labels.is_empty() {
        return f.write_str("<p class=\"facts\">Nothing in this image calls it.</p>\n</details>\n");
    }
    f.write_str("<ol class=\"rows\" role=\"list\">\n")?;
    calls.iter().try_for_each(|call| of_call(f, report, call))?;
    labels.iter().try_for_each(|label| of_label(f, report, label))?;
    f.write_str("</ol>\n</details>\n")
}

/// A row: what it is, the drawing, where it is, and why it is not better.
struct Row<'r> {
    drawn: Drawn,
    kind: Kind,
    grade: Grade,
    reason: Option<Reason>,
    function: Option<&'r str>,
    source: Option<&'r Source>,
    is_site: bool,
}

fn of_call(f: &mut impl Write, report: &Report, call: &Call) -> fmt::Result {
    let site = call.site.and_then(|s| report.sites.get(s));
    Row {
        drawn: Drawn::call(call),
        kind: call.kind,
        grade: call.grade,
        reason: report.reason(call),
        function: call.function.as_deref(),
        source: site.map(|s| &s.source).or(call.source.as_ref()),
        is_site: site.is_some(),
    }
    .write(f)
}

fn of_label(f: &mut impl Write, report: &Report, label: &Label) -> fmt::Result {
    let site = label.site.and_then(|s| report.sites.get(s));
    Row {
        drawn: Drawn::label(label),
        kind: Kind::Label,
        grade: label_grade(label),
        reason: None,
        function: label.function.as_deref(),
        source: site.map(|s| &s.source),
        is_site: site.is_some(),
    }
    .write(f)
}

fn label_grade(label: &Label) -> Grade {
    if label.is_sound { Grade::Quad } else { Grade::None }
}

impl Row<'_> {
    fn write(&self, f: &mut impl Write) -> fmt::Result {
        let Self { drawn, grade: of, .. } = self;
        let path = drawn.shape.path;
        let (word, mark, address) = (path.word(), path.mark(), drawn.address);
        write!(
            f,
            r#"<li class="row" data-path="{word}" data-grade="{}" data-kind="{}""#,
            of.as_str(),
            self.kind.as_str()
        )?;
        if let Some(update) = update(path, *of) {
            write!(f, r#" data-update="{update}""#)?;
        }
        if let Some(why) = self.reason {
            write!(f, r#" data-reason="{}""#, reason(why))?;
        }
        write!(
            f,
            "><div class=\"what\"><code>{address:#010x}</code> \
             <span class=\"path {word}\"><span aria-hidden=\"true\">{mark} </span>{word}</span> {}\
             <span class=\"grade\">{}</span> <span class=\"kind\">{}</span></div>",
            Steps(path, *of),
            if *of == Grade::None { "no grade" } else { of.as_str() },
            KINDS.iter().find(|(k, _)| *k == self.kind).map(|(_, text)| *text).unwrap_or_default(),
        )?;
        drawn.write(f)?;
        f.write_str("<div class=\"where\">")?;
        if let Some(source) = self.source {
            write!(f, "<code>{}</code> ", Place(&source.to_string()))?;
        }
        if self.is_site {
            f.write_str("<span class=\"site\">call!</span> ")?;
        }
        if let Some(function) = self.function {
            write!(f, "<span class=\"function\">in <code>{}</code></span>", Place(function))?;
        }
        if let Some(why) = self.reason {
            write!(f, "<p class=\"why\">{}</p>", Text(&sentence(&why.to_string())))?;
        }
        if let (Path::Inline, Some(boundary)) = (path, drawn.crossing()) {
            let boundary = Boundary(boundary);
            write!(f, "<p class=\"cost\">Retargeted {STEPS}: cut at {boundary}</p>")?;
        }
        if path == Path::Alone {
            f.write_str("<p class=\"why\">Not rewritten: it tests its key each time</p>")?;
        }
        f.write_str("</div></li>\n")
    }
}

/// The mark of an inline call that is retargeted in steps, or nothing.
pub(super) struct Steps(pub(super) Path, pub(super) Grade);

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, grade) = *self;
        match path == Path::Inline && grade.takes_steps() {
            true => write!(f, "<span class=\"path inline\">{STEPS}</span> "),
            false => Ok(()),
        }
    }
}

/// Returns the text with a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
