//! docs/comparison.md: each row names a test that exists, or says why there is none.

use std::fs;
use std::path::Path;

/// Returns complaints about rows of the tables.
fn complaints(text: &str, tests: &Path) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let mut complaints = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, form, named] = cells[..] else {
            complaints.push(format!("not three cells: {row}"));
            continue;
        };
        match named {
            "test" => {}
            "–" => {
                if !form.starts_with("no") && !form.contains(": ") && !form.contains("; ") {
                    complaints.push(format!("neither a test nor a reason: {row}"));
                }
            }
            _ => {
                for test in named.split(", ") {
                    let exists =
                        test.trim_matches('`').split_once(": ").is_some_and(|(file, name)| {
                            let source = fs::read_to_string(tests.join(file)).unwrap_or_default();
                            source.contains(&format!("fn {name}("))
                        });
                    if !exists {
                        complaints.push(format!("there is no {test}: {row}"));
                    }
                }
            }
        }
    }
    complaints
}

#[test]
fn every_feature_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = fs::read_to_string(tests.join("../../docs/comparison.md")).unwrap();
    assert!(text.matches("\n| ").count() > 40, "the tables are there");
    assert_eq!(complaints(&text, &tests), [""; 0]);
    let wrong = "\
        | `a` | here | `tidy/comparison.rs: every_feature_has_its_test` |\n\
        | `b` | here | `tidy/comparison.rs: no_such_test` |\n\
        | `c` | here | `nowhere.rs: every_feature_has_its_test` |\n\
        | `d` | here | – |\n\
        | `e` | no such thing | – |\n\
        | `f` | here |";
    assert_eq!(complaints(wrong, &tests).len(), 4);
}
