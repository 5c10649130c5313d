//! Tests of the page above its rows.

use super::*;

#[test]
fn the_top_summarises_the_report() {
    let mut report = report();
    let page = |report: &Report| html(report, "target/release/app");
    let text = page(&report);
    assert!(text.contains("on <code>target/<wbr>release/<wbr>app</code>"));
    let steps = report.summary.steps;
    assert!(text.contains(&format!("of 132 calls inline ({steps} in steps), 2 other uses</h1>")));
    let link = format!("href=\"#update=steps\"><b>{steps}</b> of them in steps</a>");
    assert!(steps > 0 && text.contains(&link), "{text}");
    assert!(text.contains("</span>2 other uses, not counted as calls</a>"));
    assert!(text.contains("data-all=\"136 in all: 132 calls, 2 jump labels, 2 other uses\""));
    assert!(!text.contains("class=\"callout\""));
    let (deny, note) =
        (text.find("finding deny\" open").unwrap(), text.find("finding note").unwrap());
    assert!(deny < note);
    assert!(text.contains("<b>2 findings</b>") && text.contains("or use <code>call!</code>.</p>"));
    assert!(text.contains("<li>Through the GOT <small>at <a href=\"#text=0x00030000\">"));
    assert_eq!(text, page(&report.clone()), "the same report gives the same page");

    let tail_call = FindingKey::CallGradeLine.fix_of(Kind::Jmp);
    report.findings[1].message = format!("a tail call; {tail_call}");
    let text = page(&report);
    assert!(text.contains("<li>A tail call <small>"), "what to do is above the list: {text}");

    let listed = report.clone();
    report.calls.iter_mut().for_each(|c| c.listed = false);
    report.summary = summary(&report);
    let could = report.summary.inline;
    for (table, says, word) in [
        (TableState::Absent, "The image has no table of its calls.", "no-table"),
        (TableState::Empty { capacity: 8 }, "The table of calls is empty.", "empty-table"),
        (TableState::Stale, "does not match this image", "stale-table"),
        (TableState::Unread, "The runtime is in another image.", "no-runtime"),
    ] {
        report.image.table = table;
        let text = page(&report);
        let title = format!("0 of 132 calls inline, {could} could be, 2 other uses</h1>");
        assert!(text.contains(&title) && text.contains(says), "{says}");
        assert!(text.contains(&format!("; {could} calls could be inline. ")));
        assert!(
            !text.contains(
                "class=\"row\" data-path=\"inline\" data-grade=\"quad\" data-kind=\"call\""
            )
        );
        assert!(!text.contains("data-update=\"steps\"") && !text.contains(" of them in steps"));
        let rows = text.matches(&format!(" data-reason=\"{word}\"")).count();
        assert_eq!(rows, could, "each says why");
    }

    report = listed;
    report.image.table = TableState::Filled { count: 128, capacity: 128 };
    report.calls.retain(|c| c.inline);
    report.summary = summary(&report);
    report.findings.clear();
    let text = page(&report);
    let all = format!("All {could} calls inline ({steps} in steps)</title>");
    assert!(text.contains(&all) && !text.contains("could be"), "{all}");
    assert!(text.contains("<h1>All ") && !text.contains("why-title") && text.contains("None.</p>"));

    report = Report::default();
    assert!(page(&report).contains("This file cannot be searched for static calls</h1>"));
    report.image.kind = ImageKind::SharedObject;
    let text = page(&report);
    assert!(text.contains("No static calls in this image</h1>"));
    tags(&text);
}

#[test]
fn the_headline_says_all_only_if_everything_is_inline() {
    let all = report();
    let title = |keep: &dyn Fn(&Call) -> bool, labels: bool| {
        let mut report = all.clone();
        report.calls.retain(keep);
        report.labels.truncate(usize::from(labels));
        report.summary = summary(&report);
        let page = html(&report, "app");
        let (_, title) = page.split_once("<title>app: ").unwrap();
        let title = title.split_once('<').unwrap().0.to_owned();
        assert!(page.contains(&format!("<h1>{title}</h1>")));
        title
    };
    let inline = all.calls.iter().filter(|c| c.inline).count();
    let steps = all.summary.steps;
    let in_steps = format!("({steps} in steps)");
    assert_eq!(title(&|c| c.inline, true), format!("All {inline} calls inline {in_steps}"));
    let one_store = |c: &Call| c.inline && !c.takes_steps();
    assert_eq!(title(&one_store, true), format!("All {} calls inline", inline - steps));
    let one = |c: &Call| c.address == 0x1_0000;
    assert_eq!(title(&one, false), "1 of 1 call inline");
    let rest = "1 other use";
    let register = |c: &Call| c.kind == Kind::Register;
    let both = title(&|c| c.inline || register(c), false);
    assert_eq!(both, format!("{inline} of {inline} calls inline {in_steps}, {rest}"));
    assert_eq!(title(&register, false), format!("No calls, {rest}"));
    assert_eq!(title(&|_| false, true), "No calls, 1 of 1 jump label inline");
    assert_eq!(title(&|_| false, false), "Nothing in this image makes a static call");
    let mut flag = all.clone();
    flag.calls.retain(register);
    let page = html(&flag, "app");
    assert!(page.contains("<span class=\"ratio\">no calls, 1 of 2 jump labels inline</span>"));
    assert!(page.contains("<span class=\"ratio\">no calls, 1 other use of the trampoline"));
}

#[test]
fn the_verdict_says_what_to_do() {
    let mut report = report();
    let verdict = |report: &Report| {
        let page = html(report, "app");
        let (_, text) = page.split_once("<p class=\"verdict ")?;
        text.split_once("</p>").map(|(text, _)| text.to_owned())
    };
    let says = |report: &Report, class: &str, text: &str| {
        let verdict = verdict(report).expect("a verdict");
        assert!(verdict.starts_with(class) && verdict.contains(text), "{verdict}");
    };
    let what = "<a href=\"#findings\">what to do</a>";
    says(&report, "deny", &format!("</span>1 error: {what}. Errors fail the build."));
    report.findings[1].severity = Level::Warn;
    says(&report, "deny", &format!("</span>1 error and 1 warning: {what}. Errors fail the build."));
    report.findings.remove(0);
    says(&report, "warn", &format!("</span>1 warning: {what}"));
    report.findings.clear();
    says(&report, "calm", "Nothing needs fixing: ");
    says(&report, "calm", "<a href=\"#why\">");
    report.image.table = TableState::Absent;
    assert_eq!(verdict(&report), None, "the note about the table says it");
    report.image.table = TableState::Filled { count: 1, capacity: 1 };
    report.calls.retain(|c| c.inline);
    report.summary = summary(&report);
    says(&report, "calm", "Nothing to do.");
    says(&Report::default(), "calm", "If you expected static calls");
}

#[test]
fn errors_and_warnings_are_unfolded_and_notes_are_not() {
    let page = html(&report(), "app");
    assert!(page.contains("finding deny\" open") && page.contains("finding note\">"));
    let mut report = report();
    report.findings[1].severity = Level::Warn;
    let page = html(&report, "app");
    assert!(page.contains("finding warn\" open") && page.contains("</span>warning</span> <h3>"));
}
