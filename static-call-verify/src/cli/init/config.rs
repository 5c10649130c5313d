//! Adds the flags to `.cargo/config.toml`.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::Edited;
use super::chain::{BUILD_VARIABLE, Chain, Rustflags, TARGET, whole};

/// The table for the flags. Linkers of other systems do not know them.
const TABLE: &str = "cfg(all(target_arch = \"x86_64\", target_os = \"linux\"))";

/// The flags listed in docs/verifier.md under "Flags".
const FLAGS: [&str; 4] = [
    "-Cllvm-args=-x86-align-branch-boundary=8",
    "-Cllvm-args=-x86-align-branch=call",
    "-Crelro-level=partial",
    "-Clink-arg=-Wl,-z,relro,-z,now",
];

const COMMENT: &str = "# Optional for static calls: calls that cross no 8-byte boundary, so that \
                       updates are cheaper,\n# and direct calls between crates. Written by `cargo \
                       static-call init`.\n";

/// Adds the missing flags where cargo reads them.
///
/// Cargo takes either the flags of all matching `target.*` tables in all its files, or those of
/// `build`, never both.
pub(super) fn edit(text: &str, chain: &Chain) -> Result<Edited, String> {
    let mut document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let own = Rustflags::of(&document)?;
    let all = || std::iter::once(&own).chain(chain.files.iter().map(|(_, flags)| flags));
    let targets = || all().flat_map(|flags| &flags.targets).flat_map(|target| &target.words);
    let mut words: Vec<String> = targets().cloned().collect();
    let hides_build = !words.is_empty() || chain.has_variable;
    if !hides_build {
        words = all().flat_map(|flags| &flags.build).cloned().collect();
        words.extend_from_slice(&chain.build_variable);
    }
    let mut edited = Edited::default();
    let mut missing = missing(&words, &mut edited.notes);
    let copied = if hides_build || missing.is_empty() { &[][..] } else { &own.build };
    if !missing.is_empty() {
        if !hides_build {
            edited.notes.clear();
            missing = self::missing(copied, &mut edited.notes);
            edited.notes.extend(hidden(&own, chain));
        }
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for name in ["target", table_name(&own, chain)?] {
            let mut new = Table::new();
            new.set_implicit(name == "target");
            let item = table.entry(name).or_insert(Item::Table(new));
            table = item.as_table_like_mut().ok_or_else(|| format!("`{name}` is not a table"))?;
        }
        let copied = copied.iter().map(String::as_str);
        add(table, &copied.chain(missing).collect::<Vec<_>>());
    }
    edited.text = document.to_string();
    Ok(edited)
}

/// Returns notes about the flags of `build`, which a table of the target hides.
fn hidden(own: &Rustflags, chain: &Chain) -> Vec<String> {
    let mut notes = Vec::new();
    if !own.build.is_empty() {
        notes.push(
            "on x86-64 Linux cargo reads the new table instead of `build.rustflags`, whose flags \
             are copied into it: make later changes in both"
                .to_owned(),
        );
    }
    if !chain.build_variable.is_empty() {
        notes.push(format!(
            "on x86-64 Linux cargo reads the new table instead of {BUILD_VARIABLE} in the \
             environment: add what you need from it to the table"
        ));
    }
    for (path, flags) in &chain.files {
        if !flags.build.is_empty() {
            notes.push(format!(
                "on x86-64 Linux cargo reads the new table instead of `build.rustflags` in {}: \
                 add what you need of `{}` to the table",
                path.display(),
                flags.build.join(" ")
            ));
        }
    }
    notes
}

/// Returns the flags that are missing in an environment variable that replaces those of all files.
pub(super) fn missing_in(words: &str) -> Vec<&'static str> {
    // Cargo's own variable separates words with this character instead of a space.
    let words = words.split(|c: char| c.is_whitespace() || c == '\u{1f}');
    missing(&whole(words), &mut Vec::new())
}

/// Returns the table of `target` to write to: one that already has flags, or else a new one.
fn table_name(own: &Rustflags, chain: &Chain) -> Result<&'static str, String> {
    let names = [TABLE, TARGET];
    if let Some(name) = names.into_iter().find(|name| own.target(name).is_some()) {
        return Ok(name);
    }
    let is_text = |name: &&str| {
        chain.files.iter().any(|(_, flags)| flags.target(name).is_some_and(|t| t.is_text))
    };
    names.into_iter().find(|name| !is_text(name)).ok_or_else(|| {
        let paths =
            chain.files.iter().filter(|(_, flags)| names.iter().any(|n| flags.target(n).is_some()));
        let paths: Vec<String> = paths.map(|(path, _)| path.display().to_string()).collect();
        format!(
            "cargo joins only lists of flags, but `rustflags` is a string in {}: make it a list",
            paths.join(", ")
        )
    })
}

/// Returns the flags that are not among `words`, except those whose option has another value there:
/// LLVM accepts each option once, and the user may have a reason for that value.
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
            Some(other) => {
                notes.push(format!("`{other}` is kept as it is; recommended is `{flag}`"))
            }
            None => missing.push(flag),
        }
    }
    missing
}

/// Adds flags to the `rustflags` of a table, in the form that it has.
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

/// Appends to an array in its own layout. A comment after its last element stays there.
fn extend(array: &mut Array, flags: &[&str]) {
    let text = |raw: Option<&toml_edit::RawString>| {
        raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
    };
    let last = array.len().checked_sub(1).and_then(|i| array.get_mut(i));
    let (mut before, mut after) = (None, String::new());
    if let Some(last) = last {
        let prefix = text(last.decor().prefix());
        before = Some(match prefix.rsplit_once('\n') {
            Some((_, indent)) => format!("\n{indent}"),
            None => " ".to_owned(),
        });
        after = text(last.decor().suffix());
        last.decor_mut().set_suffix("");
    }
    after += &text(Some(array.trailing()));
    let before = before.unwrap_or_else(|| "\n    ".to_owned());
    let is_multiline = before.starts_with('\n') || after.contains('\n');
    let before =
        if is_multiline && !before.starts_with('\n') { "\n    ".to_owned() } else { before };
    let comment = after.trim_end().to_owned();
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

    fn edit_only(text: &str) -> Result<Edited, String> {
        edit(text, &Chain::default())
    }

    fn edited(text: &str) -> String {
        let edited = edit_only(text).unwrap();
        assert_eq!(edited.notes, [""; 0]);
        let again = edit_only(&edited.text).unwrap();
        assert_eq!(again.text, edited.text, "a second run changes nothing");
        edited.text
    }

    const HEAD: &str = "[target.'cfg(all(target_arch = \"x86_64\", target_os = \"linux\"))']\n";
    const ALL: &str = "    \"-Cllvm-args=-x86-align-branch-boundary=8\",\n    \
                       \"-Cllvm-args=-x86-align-branch=call\",\n    \
                       \"-Crelro-level=partial\",\n    \"-Clink-arg=-Wl,-z,relro,-z,now\",\n";

    #[test]
    fn a_new_file() {
        assert_eq!(edited(""), format!("{HEAD}{COMMENT}rustflags = [\n{ALL}]\n"));
    }

    #[test]
    fn other_settings_and_comments_stay() {
        let text = "# mine\n[alias] # short\nb = \"build\"\n\n[build]\njobs = 4 # enough\n\n[net]\n\
                    retry = 3\n";
        assert_eq!(edited(text), format!("{text}\n{HEAD}{COMMENT}rustflags = [\n{ALL}]\n"));
        let beside = "[target.aarch64-x]\nlinker = \"a\"\n\n[net]\nretry = 3\n";
        assert!(edited(beside).starts_with(beside.split("\n\n").next().unwrap()));
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
            let text = edited(&format!("{HEAD}rustflags = {old} # why\nlinker = \"a\"\n"));
            assert!(text.starts_with(&format!("{HEAD}rustflags = {new}")), "{text}");
            assert!(text.ends_with("] # why\nlinker = \"a\"\n"), "{text}");
        }
        assert_eq!(
            edited("target.x86_64-unknown-linux-gnu.rustflags = \"-O\" # one\n"),
            format!(
                "target.x86_64-unknown-linux-gnu.rustflags = \"-O {}\" # one\n",
                FLAGS.join(" ")
            )
        );
    }

    #[test]
    fn flags_present_in_another_form_are_not_added() {
        let there = "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"-C\", \
                     \"llvm-args=-x86-align-branch-boundary=8 -x86-align-branch=call+jcc\", \
                     \"--codegen\", \"relro_level=partial\"]\n";
        let new = "partial\", \"-Clink-arg=-Wl,-z,relro,-z,now\"]";
        assert_eq!(edited(there), there.replace("partial\"]", new));
    }

    #[test]
    fn flags_go_where_cargo_reads_them() {
        let own = "[target.'cfg(all(unix, target_arch = \"x86_64\"))']\nrustflags = [\"-O\"]\n";
        let text = edited(own);
        assert!(text.starts_with(own) && text.contains(HEAD) && !text[own.len()..].contains("-O"));
        let target = "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"-O\", ";
        let text = edited(&target.replace(", ", "]\n[build]\nrustflags = [\"-g\"]\n"));
        assert!(text.starts_with(target) && text.ends_with("[build]\nrustflags = [\"-g\"]\n"));
        let all = format!("[build]\nrustflags = [\n{ALL}]\n");
        assert_eq!(edited(&all), all, "flags for every target stay there");
    }

    #[test]
    fn flags_of_build_are_copied_to_the_table_that_hides_them() {
        let build = "[build]\nrustflags = \"-O -C target-cpu=native\"\n";
        let first = edit_only(build).unwrap();
        let new = "rustflags = [\n    \"-O\",\n    \"-Ctarget-cpu=native\",\n";
        assert_eq!(first.text, format!("{build}\n{HEAD}{COMMENT}{new}{ALL}]\n"));
        assert!(first.notes[0].contains("instead of `build.rustflags`, whose flags are copied"));
        let again = edit_only(&first.text).unwrap();
        assert_eq!((again.text, again.notes.len()), (first.text, 0));
    }

    fn above(text: &str) -> Chain {
        let flags = Rustflags::of(&text.parse().unwrap()).unwrap();
        Chain { files: vec![("/above".into(), flags)], ..Chain::default() }
    }

    #[test]
    fn files_above_count_too() {
        let all = format!("rustflags = [\n{ALL}]\n");
        for table in [HEAD, "[build]\n", "[target.x86_64-unknown-linux-gnu]\n"] {
            let edited = edit("", &above(&format!("{table}{all}"))).unwrap();
            assert_eq!(edited, Edited::default(), "{table}");
        }
        // A table of the target in a parent directory hides `build` here, and this table is joined
        // with it.
        let own = format!("[build]\n{all}");
        let target = "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"-O\"]\n";
        let edited = edit(&own, &above(target)).unwrap();
        assert_eq!(edited.text, format!("{own}\n{HEAD}{COMMENT}{all}"));
        let variable = Chain { has_variable: true, ..Chain::default() };
        assert_eq!(edit(&own, &variable).unwrap().text, edited.text);
        // In the other direction there is a note.
        let edited = edit("", &above("[build]\nrustflags = [\"-O\", \"-g\"]\n")).unwrap();
        assert!(
            edited.notes[0].contains("`build.rustflags` in /above: add what you need of `-O -g`")
        );
    }

    #[test]
    fn a_string_above_is_not_joined_with_a_list() {
        let text = format!("{HEAD}rustflags = \"-O\"\n");
        let edited = edit("", &above(&text)).unwrap();
        assert!(edited.text.starts_with("[target.x86_64-unknown-linux-gnu]\n"), "{}", edited.text);
        let both = format!("{text}[target.x86_64-unknown-linux-gnu]\nrustflags = \"-g\"\n");
        assert!(
            edit("", &above(&both)).unwrap_err().contains("is a string in /above: make it a list")
        );
    }

    #[test]
    fn another_value_stays_and_is_named() {
        let text = format!("{HEAD}rustflags = [\"-Cllvm-args=-x86-align-branch-boundary=32\"]\n");
        let edited = edit_only(&text).unwrap();
        assert_eq!(edited.text.matches("align-branch-boundary").count(), 1);
        assert_eq!(
            edited.notes,
            ["`-Cllvm-args=-x86-align-branch-boundary=32` is kept as it is; recommended is \
                 `-Cllvm-args=-x86-align-branch-boundary=8`"]
        );
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        assert!(edit_only("[build\n").is_err());
        assert!(edit_only("[build]\nrustflags = 3\n").unwrap_err().contains("neither"));
        assert!(edit_only("target = 3\n").unwrap_err().contains("not a table"));
    }
}
