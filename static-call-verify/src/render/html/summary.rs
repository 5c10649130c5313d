//! The top of the page: what it is about, how many calls are inline, why the others are not, and
//! the findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::escape::{Place, Prose};
use super::keys::sentence;
use super::{Count, InSteps, KINDS, Level, Ratio, Report, STEPS, bar, reason};
use crate::grade;
use crate::report::{Finding, ImageKind, Reason, Summary, TableState};

/// The errors or warnings of a key are unfolded if there are at most this many.
const MOST_OPEN: usize = 8;

pub(super) fn write(f: &mut impl Write, report: &Report, name: &str) -> fmt::Result {
    writeln!(
        f,
        "<header>\n<p class=\"title\">static-call report on <code>{}</code></p>\n<h1>{}</h1>",
        Place(name),
        title(report)
    )?;
    verdict(f, report)?;
    f.write_str("</header>\n")?;
    table(f, report)?;
    if report.summary.calls > 0 {
        numbers(f, report)?;
    }
    f.write_str(WORDS)?;
    reasons(f, report)?;
    findings(f, report)
}

/// Returns a one-line summary of the page.
pub(super) fn title(report: &Report) -> String {
    let ratio = Ratio::of(&report.calls, &report.labels);
    let Ratio { inline, steps, calls, labels_inline, labels, others } = ratio;
    let mut text = match calls {
        _ if report.image.kind == ImageKind::Unsupported => {
            return "This file cannot be searched for static calls".to_owned();
        }
        0 if labels + others == 0 && report.keys.is_empty() => {
            return "No static calls in this image".to_owned();
        }
        0 if labels + others == 0 => return "Nothing in this image makes a static call".to_owned(),
        0 => "No calls".to_owned(),
        // The number of calls that the other uses make is unknown.
        2.. if inline == calls && others == 0 => {
            format!("All {calls} calls inline{}", InSteps(steps))
        }
        _ => format!("{inline} of {} inline{}", Count(calls, "call"), InSteps(steps)),
    };
    if unused(report) > 0 {
        text += &format!(", {} could be", unused(report));
    }
    if calls == 0 && labels > 0 {
        text += &format!(", {labels_inline} of {} inline", Count(labels, "jump label"));
    }
    if others > 0 {
        text += &format!(", {}", Count(others, "other use"));
    }
    text
}

/// Returns how many calls could be inline but are not, because the program does not know them.
fn unused(report: &Report) -> usize {
    report.summary.inline.saturating_sub(report.summary.listed)
}

const WORDS: &str = "<p class=\"lead\">A <dfn>static call</dfn> is a function call whose target \
    can change while the program runs. An <b class=\"inline\">inline</b> call is rewritten in \
    place and costs the same as a direct call. Some inline calls are rewritten \
    <b class=\"inline\">in steps</b>: the call costs the same, an update more. Any other call goes \
    through a <b class=\"trampoline\">trampoline</b>, an eight-byte jump that is rewritten \
    instead: it reaches the same target and costs one more jump.</p>\n";

/// Writes what to do, in a sentence or two.
fn verdict(f: &mut impl Write, report: &Report) -> fmt::Result {
    let of = |level| report.findings.iter().filter(|x| x.severity == level).count();
    let (errors, warnings) = (of(Level::Deny), of(Level::Warn));
    let (class, mark, text) = match (errors, warnings) {
        // The note about the table says what to do.
        (0, 0) if table_note(report).is_some() => return Ok(()),
        (0, 0) => ("calm", "✓ ", calm(report).to_owned()),
        (0, _) => ("warn", "▲ ", format!("{}: {SEE}", Count(warnings, "warning"))),
        (_, 0) => ("deny", "✖ ", format!("{}: {SEE}. {FAIL}", Count(errors, "error"))),
        _ => {
            let (errors, warnings) = (Count(errors, "error"), Count(warnings, "warning"));
            ("deny", "✖ ", format!("{errors} and {warnings}: {SEE}. {FAIL}"))
        }
    };
    writeln!(f, "<p class=\"verdict {class}\"><span aria-hidden=\"true\">{mark}</span>{text}</p>")
}

const FAIL: &str = "Errors fail the build.";
const SEE: &str = "<a href=\"#findings\">what to do</a>";

/// Returns the verdict on an image without errors and warnings.
fn calm(report: &Report) -> &'static str {
    if report.keys.is_empty() && report.calls.is_empty() {
        "Nothing to do. If you expected static calls: the linker dropped them, or they are from \
         another release of static-call."
    } else if report.calls.iter().all(|c| report.reason(c).is_none()) {
        "Nothing to do."
    } else {
        "Nothing needs fixing: calls that are not inline reach the same target, one jump later. \
         <a href=\"#why\">Why, and how to make it inline</a>"
    }
}

fn numbers(f: &mut impl Write, report: &Report) -> fmt::Result {
    let Summary { keys, sites, calls, listed: inline, steps, labels, .. } = report.summary;
    let not_inline = calls.saturating_sub(inline);
    let Ratio { others, .. } = Ratio::of(&report.calls, &report.labels);
    f.write_str("<section class=\"numbers\" aria-label=\"Numbers\">\n")?;
    bar(f, inline, calls)?;
    let share = |part: usize| part * 100 / calls.max(1);
    write!(
        f,
        "\n<p class=\"parts\"><a class=\"path inline\" href=\"#path=inline\">\
         <span aria-hidden=\"true\">✓ </span><b>{inline}</b> inline, {}%</a>",
        share(inline)
    )?;
    if steps > 0 {
        write!(
            f,
            " <a class=\"path inline\" href=\"#update=steps\"><b>{steps}</b> of them {STEPS}</a>"
        )?;
    }
    if not_inline > 0 {
        let rest = 100 - share(inline);
        write!(
            f,
            " <a class=\"path trampoline\" href=\"#path=trampoline\">\
             <span aria-hidden=\"true\">↷ </span><b>{not_inline}</b> not inline, {rest}%</a>"
        )?;
    }
    if others > 0 {
        let uses = Count(others, "other use");
        write!(
            f,
            " <a class=\"path address\" href=\"#path=address\">\
             <span aria-hidden=\"true\">* </span>{uses}, not counted as calls</a>"
        )?;
    }
    f.write_str("</p>\n<ul class=\"tiles\">")?;
    let mut tile = |count: usize, one: &str, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "<li><b>{count}</b> {one}{plural} <small>{what}</small></li>")
    };
    tile(keys, "key", "functions that can be switched")?;
    tile(sites, "site", "each <code>call!</code>, and each key called by name")?;
    tile(calls, "call", "instructions in the image")?;
    if labels > 0 {
        tile(labels, "jump label", "no-ops while a hook or flag is off")?;
    }
    f.write_str("</ul>\n</section>\n")
}

/// Returns why the program does not know these calls, if it does not: the state of the table, its
/// consequence, and what to do.
fn table_note(report: &Report) -> Option<[&'static str; 3]> {
    const BUILD: &str = "Call `static_call_verify::enable()` in `build.rs`, or build with \
                         `cargo static-call build`.";
    if report.summary.calls == 0 {
        return None;
    }
    Some(match report.image.table {
        TableState::Filled { .. } => return None,
        TableState::Absent => [
            "The image has no table of its calls.",
            "The program does not know where they are, so they all go through their trampolines",
            BUILD,
        ],
        TableState::Empty { .. } => [
            "The table of calls is empty.",
            "The program does not know where they are, so they all go through their trampolines",
            BUILD,
        ],
        TableState::Stale => [
            "The table of calls does not match this image.",
            "The image was changed after the link, so the program does not use the table: all \
             calls go through their trampolines",
            "Link it again.",
        ],
        TableState::Unread => [
            "The runtime is in another image.",
            "It does not know the calls of this image, as in a program that uses keys in a Rust \
             `dylib`, so they go through the slot",
            "Link the crates that have keys as `rlib`s.",
        ],
    })
}

fn table(f: &mut impl Write, report: &Report) -> fmt::Result {
    let Some([state, text, fix]) = table_note(report) else { return Ok(()) };
    let could = match unused(report) {
        0 => String::new(),
        count => format!("; {} could be inline", Count(count, "call")),
    };
    writeln!(
        f,
        "<p class=\"callout\" role=\"note\"><b><span aria-hidden=\"true\">▲ </span>{}</b> \
         {}{could}. {}</p>",
        Prose(state),
        Prose(text),
        Prose(fix)
    )
}

fn reasons(f: &mut impl Write, report: &Report) -> fmt::Result {
    let mut counts: BTreeMap<Reason, (usize, bool)> = BTreeMap::new();
    for call in &report.calls {
        if let Some(reason) = report.reason(call) {
            let count = counts.entry(reason).or_default();
            count.0 += 1;
            count.1 |= call.is_call();
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    let mut counts: Vec<(Reason, (usize, bool))> = counts.into_iter().collect();
    // The sort is stable: reasons with the same count keep their order.
    counts.sort_by_key(|&(_, (count, _))| std::cmp::Reverse(count));
    f.write_str(
        "<section id=\"why\" aria-labelledby=\"why-title\">\n\
         <h2 id=\"why-title\">What is not inline, and why</h2>\n<table role=\"table\">\n\
         <caption>The most frequent reason first. A count links to its calls.</caption>\n\
         <thead><tr role=\"row\"><th role=\"columnheader\">Count</th>\
         <th role=\"columnheader\">Why</th><th role=\"columnheader\">What to do</th></tr></thead>\n\
         <tbody>\n",
    )?;
    let mut above = None;
    for (why, (count, is_call)) in counts {
        let finding = grade::key(why);
        let fix = match above.replace(finding.fix()) {
            Some(above) if above == finding.fix() => "As above".to_owned(),
            _ => sentence(finding.fix()),
        };
        let what = if is_call { Count(count, "call") } else { Count(count, "other use") };
        writeln!(
            f,
            "<tr role=\"row\"><td role=\"cell\"><a href=\"#reason={}\">{what}</a></td>\
             <td role=\"cell\">{} <small><code>{finding}</code></small></td>\
             <td role=\"cell\">{}</td></tr>",
            reason(why),
            Prose(&sentence(&why.to_string())),
            Prose(&fix)
        )?;
    }
    f.write_str("</tbody></table>\n</section>\n")
}

fn findings(f: &mut impl Write, report: &Report) -> fmt::Result {
    f.write_str(
        "<section id=\"findings\" aria-labelledby=\"findings-title\">\n\
         <h2 id=\"findings-title\">Findings</h2>\n",
    )?;
    if report.findings.is_empty() {
        return f.write_str("<p><span aria-hidden=\"true\">✓ </span>None.</p>\n</section>\n");
    }
    let drawn: BTreeSet<u64> = report.calls.iter().map(|c| c.address).collect();
    // Findings are sorted worst first, and those with the same key are together.
    for group in report.findings.chunk_by(|a, b| (a.severity, a.key) == (b.severity, b.key)) {
        let [first, ..] = group else { continue };
        let Finding { severity, key, .. } = first;
        // The same words as in the text report.
        let (mark, word) = match severity {
            Level::Deny => ("✖ ", "error"),
            Level::Warn => ("▲ ", "warning"),
            Level::Note | Level::Allow => ("● ", "note"),
        };
        let open = *severity >= Level::Warn && group.len() <= MOST_OPEN;
        let open = if open { " open" } else { "" };
        writeln!(
            f,
            "<details class=\"finding {severity}\"{open}>\n<summary><span class=\"severity\">\
             <span aria-hidden=\"true\">{mark}</span>{word}</span> <h3>{key}</h3> <b>{}</b> \
             <span class=\"meaning\">{}</span></summary>\n<p>{} <b>What to do:</b> {}.</p>\n\
             <ul role=\"list\">",
            Count(group.len(), "finding"),
            Prose(key.explanation()),
            Prose(key.why()),
            Prose(&sentence(key.fix()))
        )?;
        for finding in group {
            message(f, finding, &drawn)?;
        }
        f.write_str("</ul>\n</details>\n")?;
    }
    f.write_str("</section>\n")
}

fn message(f: &mut impl Write, finding: &Finding, drawn: &BTreeSet<u64>) -> fmt::Result {
    // What to do is already above the list.
    let fixes = KINDS.iter().map(|(kind, _)| finding.key.fix_of(*kind));
    let mut short = fixes.filter_map(|fix| finding.message.strip_suffix(fix)?.strip_suffix("; "));
    let message = short.next().unwrap_or(&finding.message);
    write!(f, "<li>{}", Prose(&sentence(message)))?;
    match finding.address {
        Some(address) if drawn.contains(&address) => {
            let address = format!("{address:#010x}");
            write!(f, " <small>at <a href=\"#text={address}\"><code>{address}</code></a></small>")?;
        }
        Some(address) => write!(f, " <small>at <code>{address:#x}</code></small>")?,
        None => {}
    }
    if let Some(source) = &finding.source {
        write!(f, " <small>in <code>{}</code></small>", Place(&source.to_string()))?;
    }
    f.write_str("</li>\n")
}

pub(super) fn image(f: &mut impl Write, report: &Report) -> fmt::Result {
    let image = &report.image;
    let dead = report.sites.iter().filter(|s| s.key.is_none()).count();
    let has = |yes: bool| if yes { "yes" } else { "no" };
    f.write_str("<details class=\"image\">\n<summary><h2>The image</h2></summary>\n<dl>\n")?;
    let mut line = |title: &str, text: &dyn fmt::Display| {
        writeln!(f, "<div><dt>{title}</dt><dd>{text}</dd></div>")
    };
    line("File", &image.kind)?;
    line("Machine code", &format_args!("{} bytes", image.code))?;
    line("Trampolines", &format_args!("{}, of eight bytes each", report.summary.trampolines))?;
    let id: String = image.build_id.iter().map(|b| format!("{b:02x}")).collect();
    line("Build id", if id.is_empty() { &"none" } else { &id })?;
    line("Symbols of functions", &has(image.has_symbols))?;
    line("Unwind table", &has(image.has_unwind_table))?;
    line("Line tables", &has(image.has_debug_info))?;
    match image.table {
        TableState::Absent => line("Table of calls", &"none")?,
        TableState::Stale => line("Table of calls", &"does not match this image")?,
        TableState::Unread => line("Table of calls", &"present, but without a runtime to read it")?,
        TableState::Empty { capacity } => {
            line("Table of calls", &format_args!("empty, room for {capacity}"))?;
        }
        TableState::Filled { count, capacity } => {
            line("Table of calls", &format_args!("{count} entries, room for {capacity}"))?;
        }
    }
    if dead > 0 {
        line("Dead sites", &format_args!("{dead}: the linker dropped the code around them"))?;
    }
    f.write_str("</dl>\n</details>\n")
}
