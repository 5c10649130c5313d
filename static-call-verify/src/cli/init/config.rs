//! The flags, in `.cargo/config.toml`.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::{Edited, cfg};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The flags of README, "Flags".
const FLAGS: [&str; 4] = [
    "-Cllvm-args=-x86-align-branch-boundary=8",
    "-Cllvm-args=-x86-align-branch=call",
    "-Crelro-level=partial",
    "-Clink-arg=-Wl,-z,relro,-z,now",
];

const COMMENT: &str = "# Static calls: calls in one aligned 8 bytes, and direct ones between crates. \
                       Written by\n# `cargo static-call init`.\n";

/// Adds the flags that are missing, where cargo reads them.
///
/// Cargo takes the flags of all `target.*` tables that match, or else those of `build`: never both.
pub(super) fn edit(text: &str) -> Result<Edited, String> {
    let mut document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let targets = document.get("target").and_then(Item::as_table_like);
    let mut words: Vec<String> = Vec::new();
    let mut has_targets = false;
    for (name, table) in targets.into_iter().flat_map(|t| t.iter()) {
        if (name == TARGET || cfg::matches(name))
            && let Some(flags) = table.get("rustflags")
        {
            words.extend(self::words(flags)?);
            has_targets = true;
        }
    }
    let path: &[&str] = if has_targets { &["target", TARGET] } else { &["build"] };
    if !has_targets && let Some(flags) = document.get("build").and_then(|b| b.get("rustflags")) {
        words = self::words(flags)?;
    }
    let mut edited = Edited::default();
    let missing = missing(&words, &mut edited.notes);
    if !missing.is_empty() {
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for name in path {
            let mut new = Table::new();
            new.set_implicit(*name == "target");
            let item = table.entry(name).or_insert(Item::Table(new));
            table = item.as_table_like_mut().ok_or_else(|| format!("`{name}` is not a table"))?;
        }
        add(table, &missing);
    }
    edited.text = document.to_string();
    Ok(edited)
}

/// The words of a `rustflags`, each option in one word.
fn words(flags: &Item) -> Result<Vec<String>, String> {
    let wrong = || "`rustflags` is neither a text nor a list of texts".to_owned();
    let words: Vec<&str> = match flags.as_value() {
        Some(Value::String(words)) => words.value().split_whitespace().collect(),
        Some(Value::Array(words)) => {
            words.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    let mut whole: Vec<String> = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let option = match word {
            "-C" | "--codegen" => words.next(),
            _ => word.strip_prefix("--codegen=").or_else(|| word.strip_prefix("-C")),
        };
        let option = option.map(|option| match option.split_once('=') {
            Some((name, value)) => format!("-C{}={value}", name.replace('_', "-")),
            None => format!("-C{option}"),
        });
        match option.as_deref().and_then(|o| o.strip_prefix("-Cllvm-args=")) {
            Some(args) => {
                whole.extend(args.split_whitespace().map(|arg| format!("-Cllvm-args={arg}")));
            }
            None => whole.extend(option.or_else(|| Some(word.to_owned()))),
        }
    }
    Ok(whole)
}

/// The flags that are not among `words`, without those whose option has another value there: LLVM
/// takes each option once, and the user's choice may have its reason.
fn missing(words: &[String], notes: &mut Vec<String>) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for flag in FLAGS {
        let (option, _) = flag.rsplit_once('=').unwrap_or((flag, ""));
        let is_linker = option == "-Clink-arg";
        let other = words.iter().find(|word| {
            word.strip_prefix(option).is_some_and(|v| v.starts_with('=')) && !is_linker
        });
        let aligns_calls = |word: &str| {
            let kinds = word.strip_prefix("-Cllvm-args=-x86-align-branch=");
            kinds.is_some_and(|kinds| kinds.split('+').any(|kind| kind == "call"))
        };
        match other {
            _ if words
                .iter()
                .any(|word| word == flag || (aligns_calls(word) && aligns_calls(flag))) => {}
            Some(other) => notes
                .push(format!("`{other}` is set already, and stays; static calls want `{flag}`")),
            None => missing.push(flag),
        }
    }
    missing
}

/// Adds flags to `rustflags` of a table, in the form that it has.
fn add(table: &mut dyn TableLike, flags: &[&str]) {
    match table.get_mut("rustflags").and_then(Item::as_value_mut) {
        Some(Value::String(old)) => {
            let decor = old.decor().clone();
            let new = [&[old.value().trim_end()], flags].concat().join(" ");
            let mut new = Value::from(new.trim_start());
            *new.decor_mut() = decor;
            table.insert("rustflags", Item::Value(new));
        }
        Some(Value::Array(array)) => extend(array, flags),
        _ => {
            let mut array = Array::new();
            extend(&mut array, flags);
            super::insert(table, "rustflags", value(array));
            if let Some(mut key) = table.key_mut("rustflags") {
                key.leaf_decor_mut().set_prefix(COMMENT);
            }
        }
    }
}

/// Appends to an array as it is laid out. A comment behind its last element stays there.
fn extend(array: &mut Array, flags: &[&str]) {
    let text = |raw: Option<&toml_edit::RawString>| {
        raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
    };
    let last = array.len().checked_sub(1).and_then(|i| array.get_mut(i));
    let (mut before, mut behind) = (None, String::new());
    if let Some(last) = last {
        let prefix = text(last.decor().prefix());
        before = Some(match prefix.rsplit_once('\n') {
            Some((_, indent)) => format!("\n{indent}"),
            None => " ".to_owned(),
        });
        behind = text(last.decor().suffix());
        last.decor_mut().set_suffix("");
    }
    behind += &text(Some(array.trailing()));
    let before = before.unwrap_or_else(|| "\n    ".to_owned());
    let is_multiline = before.starts_with('\n') || behind.contains('\n');
    let before =
        if is_multiline && !before.starts_with('\n') { "\n    ".to_owned() } else { before };
    let comment = behind.trim_end().to_owned();
    for (i, flag) in flags.iter().enumerate() {
        let mut flag = Value::from(*flag);
        let comment = if i == 0 { comment.as_str() } else { "" };
        flag.decor_mut().set_prefix(format!("{comment}{before}"));
        array.push_formatted(flag);
    }
    array.set_trailing(if is_multiline { "\n" } else { "" });
    array.set_trailing_comma(is_multiline);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str) -> String {
        let edited = edit(text).unwrap();
        assert_eq!(edited.notes, [""; 0]);
        let again = edit(&edited.text).unwrap();
        assert_eq!(again.text, edited.text, "twice is once");
        edited.text
    }

    const ALL: &str = "    \"-Cllvm-args=-x86-align-branch-boundary=8\",\n    \
                       \"-Cllvm-args=-x86-align-branch=call\",\n    \"-Crelro-level=partial\",\n    \
                       \"-Clink-arg=-Wl,-z,relro,-z,now\",\n";

    #[test]
    fn a_new_file() {
        assert_eq!(edited(""), format!("[build]\n{COMMENT}rustflags = [\n{ALL}]\n"));
    }

    #[test]
    fn other_settings_and_comments_stay() {
        let text = "# mine\n[alias] # short\nb = \"build\"\n\n[build]\njobs = 4 # enough\n\n[net]\nretry = 3\n";
        let new = format!("jobs = 4 # enough\n{COMMENT}rustflags = [\n{ALL}]\n");
        assert_eq!(edited(text), text.replace("jobs = 4 # enough\n", &new));
    }

    #[test]
    fn lists_grow_in_their_own_layout() {
        for (old, new) in [
            (
                "[\n  \"-O\", # fast\n]",
                "[\n  \"-O\", # fast\n  \"-Cllvm-args=-x86-align-branch-boundary=8\",\n",
            ),
            (
                "[\n  \"-O\" # fast\n]",
                "[\n  \"-O\", # fast\n  \"-Cllvm-args=-x86-align-branch-boundary=8\",\n",
            ),
            ("[\"-O\"]", "[\"-O\", \"-Cllvm-args=-x86-align-branch-boundary=8\", "),
            ("[ ]", "[\n    \"-Cllvm-args=-x86-align-branch-boundary=8\",\n"),
            ("[\n  # none\n]", "[\n  # none\n    \"-Cllvm-args=-x86-align-branch-boundary=8\",\n"),
        ] {
            let text = edited(&format!("[build]\nrustflags = {old} # why\njobs = 1\n"));
            assert!(text.starts_with(&format!("[build]\nrustflags = {new}")), "{text}");
            assert!(text.ends_with("] # why\njobs = 1\n"), "{text}");
        }
        assert_eq!(
            edited("build.rustflags = \"-O\" # one\n"),
            format!("build.rustflags = \"-O {}\" # one\n", FLAGS.join(" "))
        );
    }

    #[test]
    fn flags_that_are_there_in_another_form_are_not_added() {
        let there = "[build]\nrustflags = [\"-C\", \"llvm-args=-x86-align-branch-boundary=8 \
                     -x86-align-branch=call+jcc\", \"--codegen\", \"relro_level=partial\"]\n";
        let new = "partial\", \"-Clink-arg=-Wl,-z,relro,-z,now\"]";
        assert_eq!(edited(there), there.replace("partial\"]", new));
    }

    #[test]
    fn flags_go_where_cargo_reads_them() {
        // Cargo ignores `build.rustflags` where a table of the target has some.
        let text = edited(
            "[target.x86_64-unknown-linux-gnu]\nrustflags = []\n[build]\nrustflags = [\"-O\"]\n",
        );
        assert!(text.ends_with("[build]\nrustflags = [\"-O\"]\n"), "{text}");
        let own = "[target.'cfg(all(unix, target_arch = \"x86_64\"))']\nrustflags = [\"-O\"]\n";
        let text = edited(own);
        assert!(
            text.starts_with(own) && text.contains("[target.x86_64-unknown-linux-gnu]\n"),
            "{text}"
        );
        let text = edited("[target.'cfg(windows)']\nrustflags = [\"-O\"]\n");
        assert!(text.contains("[build]\n"), "{text}");
    }

    #[test]
    fn another_value_stays_and_is_named() {
        let text = "[build]\nrustflags = [\"-Cllvm-args=-x86-align-branch-boundary=32\"]\n";
        let edited = edit(text).unwrap();
        assert_eq!(edited.text.matches("align-branch-boundary").count(), 1);
        assert_eq!(
            edited.notes,
            [
                "`-Cllvm-args=-x86-align-branch-boundary=32` is set already, and stays; static calls \
              want `-Cllvm-args=-x86-align-branch-boundary=8`"
            ]
        );
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        assert!(edit("[build\n").is_err());
        assert!(edit("[build]\nrustflags = 3\n").unwrap_err().contains("neither"));
        assert!(edit("build = 3\n").unwrap_err().contains("not a table"));
    }
}
