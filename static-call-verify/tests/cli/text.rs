//! Tests of the lines of the text besides its tables.

use super::{BODY, Image, out, run};

/// Both forms of the text end with the same lines.
#[test]
fn what_is_denied_is_named() {
    let image = Image::new(BODY, &[]);
    let levels = ["--allow", "call.*", "--deny", "table.missing", "--warn", "tramp.address-taken"];
    let (last, unused) =
        ("static-call: 1 key, 2 sites, 5 calls: ", "3 calls could be inline, but ");
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
