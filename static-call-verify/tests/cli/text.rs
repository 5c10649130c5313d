//! Tests of the text: its findings and tables.

use super::{BODY, Image, out, run};

/// Both forms of the text end with the same lines.
#[test]
fn what_is_denied_is_named() {
    let image = Image::new(BODY, &[]);
    let levels = ["--allow", "call.*", "--deny", "table.missing", "--warn", "tramp.address-taken"];
    let (last, unused) =
        ("static-call: 1 key, 2 sites, 5 calls: ", "5 calls could be inline, but ");
    for command in ["verify", "report"] {
        let output = run(&[&[command][..], &levels, &[image.path()]].concat());
        assert_eq!(output.status.code(), Some(1), "{command}");
        let end: Vec<&str> = out(&output).lines().rev().take(6).collect();
        let lines = "note: image.debug-info: ";
        let warning = "warning: tramp.address-taken: ";
        let starts = [last, unused, lines, warning, warning, "error: table.missing: "];
        assert!(end.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{end:#?}");
        assert!(end[1].contains("the image has no table"), "{end:#?}");
        // Notes about the image, but not those about single calls.
        let text = run(&[command, image.path()]);
        assert!(out(&text).contains("note: table.missing: "), "{}", out(&text));
        assert!(!out(&text).contains("note: call."), "{}", out(&text));
    }
}

#[test]
fn a_denied_finding_has_all_details() {
    let image = Image::new(BODY, &[]);
    let output = run(&["verify", "--deny", "call.grade.straddle", image.path()]);
    let line = out(&output).lines().find(|line| line.starts_with("error: ")).unwrap();
    for part in [
        "error: call.grade.straddle: file.rs:11:13: the call of `module::key` in `_start`",
        "is retargeted in steps: its displacement crosses a cache line; ",
        "to retarget it in one store, compile with `-Cllvm-args=-x86-align-branch-boundary=8",
        "(at 0x",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn tables_by_key_and_by_file() {
    let image = Image::stamped(BODY);
    let text = out(&run(&["report", image.path()])).to_owned();
    let row = |name: &str| -> Vec<String> {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        line[name.len()..].split_whitespace().map(str::to_owned).collect()
    };
    let heads =
        ["calls", "inline", "trampoline", "quad", "disp", "line", "straddle", "steps", "address"];
    assert_eq!(row("key "), heads);
    assert_eq!(row("source file"), heads);
    assert_eq!(row("module::key"), ["5", "5", "0", "2", "1", "1", "1", "2", "2"]);
    assert_eq!(row("file.rs"), ["1", "1", "0", "0", "0", "0", "1", "1", "0"]);
    assert_eq!(row("(unknown)"), ["4", "4", "0", "2", "1", "1", "0", "1", "2"]);
    assert!(text.contains("1 x the address lies in data"), "{text}");
    assert!(!text.contains("crosses"), "not a reason: {text}");

    // Without a table nothing is inline, and nothing is retargeted in steps.
    let text = out(&run(&["report", Image::new(BODY, &[]).path()])).to_owned();
    let row = text.lines().find(|line| line.starts_with("module::key")).unwrap();
    let numbers: Vec<&str> = row.split_whitespace().skip(1).collect();
    assert_eq!(numbers, ["5", "0", "5", "2", "1", "1", "1", "0", "2"], "{text}");
}
