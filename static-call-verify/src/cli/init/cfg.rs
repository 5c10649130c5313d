//! Evaluates whether a `target.'cfg(…)'` in cargo's configuration applies to x86-64 Linux.

/// The part of `rustc --print cfg` for x86_64-unknown-linux-gnu that configurations test.
const SET: &[&str] = &[
    "unix",
    "target_abi=\"\"",
    "target_arch=\"x86_64\"",
    "target_endian=\"little\"",
    "target_env=\"gnu\"",
    "target_family=\"unix\"",
    "target_os=\"linux\"",
    "target_pointer_width=\"64\"",
    "target_vendor=\"unknown\"",
];

/// Returns whether the name of a table in `target` is a condition that holds for that target.
pub(super) fn matches(name: &str) -> bool {
    let name: String = name.split_whitespace().collect();
    let condition = name.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')'));
    condition.is_some_and(holds)
}

fn holds(condition: &str) -> bool {
    let inside = |name: &str| condition.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(all) = inside("all") {
        return parts(all).into_iter().all(holds);
    }
    if let Some(any) = inside("any") {
        return parts(any).into_iter().any(holds);
    }
    match inside("not") {
        Some(not) => !holds(not),
        None => condition == "true" || SET.contains(&condition),
    }
}

/// Returns the parts between the commas that are not in parentheses.
fn parts(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in list.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        for name in [
            "cfg(unix)",
            "cfg( target_os = \"linux\" )",
            "cfg(all(target_arch = \"x86_64\", not(target_os = \"macos\")))",
            "cfg(any(windows, all(unix, target_env = \"gnu\"),))",
            "cfg(all())",
        ] {
            assert!(matches(name), "{name}");
        }
        for name in [
            "x86_64-pc-windows-msvc",
            "cfg(windows)",
            "cfg(all(unix, target_arch = \"aarch64\"))",
            "cfg(not(unix))",
            "cfg(any())",
            "cfg(target_env = \"musl\")",
        ] {
            assert!(!matches(name), "{name}");
        }
    }
}
