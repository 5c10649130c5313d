//! Which module of static-call-macros may name which.

use super::{File, broken, hold, is_word};

/// The modules of static-call-macros: each may name only those before it.
const MACROS_ORDER: &[&str] = &[
    "errors",
    "attributes",
    "cpu_features",
    "signature_text",
    "self_type",
    "types",
    "parse",
    "model",
    "validate",
    "expand",
    "forward",
    "derive",
    "lib",
    "golden",
];

/// Data flows one way: no module of static-call-macros names one that comes after it. Reads
/// `crate::name`, `crate::{name, ..}`, and `super::` where that is the crate.
fn macros_order(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let Some(path) = file.path.strip_prefix("static-call-macros/src/") else { continue };
        let module = path.split(['/', '.']).next().unwrap_or_default();
        let place = |module: &str| MACROS_ORDER.iter().position(|m| *m == module);
        let Some(own) = place(module) else {
            complaints.push(format!("{}: `{module}` has no place in the order", file.path));
            continue;
        };
        let to_root = if module == "lib" { 0 } else { 1 + path.matches('/').count() };
        let code: Vec<&str> = file.code().map(|(_, line)| line).collect();
        let code = code.join("\n");
        for root in ["crate::".to_owned(), "super::".repeat(to_root)] {
            for (at, _) in code.match_indices(&root).filter(|_| !root.is_empty()) {
                let number = code[..at].matches('\n').count() + 1;
                if code[..at].ends_with(|c| is_word(c) || c == ':' || c == '$') {
                    continue;
                }
                for name in named_after(&code[at + root.len()..]) {
                    if place(name).is_some_and(|other| other > own) {
                        complaints.push(format!("{}:{number}: names `{name}`", file.path));
                    }
                }
            }
        }
    }
    complaints
}

/// The first names of a path, or of each path in a group.
fn named_after(code: &str) -> Vec<&str> {
    let first = |path: &str| path.len() - path.trim_start_matches(is_word).len();
    let Some(group) = code.strip_prefix('{') else { return vec![&code[..first(code)]] };
    let (mut names, mut depth, mut begin) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begin = true,
            c if begin && is_word(c) => {
                names.push(&group[at..at + first(&group[at..])]);
                begin = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn data_flows_one_way_through_the_macros() {
    hold(macros_order);
    let of = |file: &str| format!("static-call-macros/src/{file}");
    broken(macros_order, &of("parse.rs"), "use crate::model::Function;", 1);
    broken(macros_order, &of("model/call.rs"), "use crate::parse::{self, Call};", 0);
    let group = "use crate::{\n    model::{Call, names::local},\n    parse, validate,\n};";
    broken(macros_order, &of("parse.rs"), group, 2);
    broken(macros_order, &of("validate.rs"), group, 0);
    broken(macros_order, &of("parse/select.rs"), "use super::super::expand;", 1);
    broken(macros_order, &of("expand/handle/switch.rs"), "use super::super::expand;", 0);
    broken(macros_order, &of("parse.rs"), "use super::{expand};\n// crate::model", 1);
    broken(macros_order, &of("novel.rs"), "", 1);
}
