//! Adds to `Cargo.toml` the lint that shows the linker's messages.

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::Edited;

const LINT: &str = "linker_messages";

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.to_string())
}

/// Returns whether a package inherits its workspace's lints.
pub(super) fn inherits(text: &str) -> Result<bool, String> {
    let document = parse(text)?;
    let inherits = document.get("lints").and_then(|lints| lints.get("workspace"));
    Ok(inherits.and_then(Item::as_bool).unwrap_or(false))
}

/// Returns whether a package has the verifier as a build-dependency, or the manifest has no
/// package.
pub(super) fn has_verifier(text: &str) -> bool {
    let Ok(document) = parse(text) else { return false };
    let has = |table: &str| {
        let of =
            |item: &Item| item.get(table).is_some_and(|d| d.get("static-call-verify").is_some());
        of(document.as_item())
            || document
                .get("target")
                .and_then(Item::as_table_like)
                .is_some_and(|targets| targets.iter().any(|(_, target)| of(target)))
    };
    document.get("package").is_none() || has("build-dependencies")
}

/// Adds the lint to the lints of a package or of a workspace.
pub(super) fn edit(text: &str, inherits: bool) -> Result<Edited, String> {
    let mut document = parse(text)?;
    let mut edited = Edited::default();
    let is_virtual = document.get("package").is_none();
    let path: &[&str] =
        if inherits || is_virtual { &["workspace", "lints", "rust"] } else { &["lints", "rust"] };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (i, name) in path.iter().enumerate() {
        let mut new = Table::new();
        new.set_implicit(i + 1 < path.len());
        let item = table.entry(name).or_insert(Item::Table(new));
        table = item.as_table_like_mut().ok_or_else(|| format!("`{name}` is not a table"))?;
    }
    match table.get(LINT) {
        None => {
            super::insert(table, LINT, value("warn"));
            if is_virtual && !inherits {
                edited.notes.push(
                    "packages inherit the workspace's lints with `lints.workspace = true`"
                        .to_owned(),
                );
            }
        }
        Some(lint) => {
            let level = lint.as_str().or_else(|| lint.get("level")?.as_str()).unwrap_or_default();
            if level == "allow" {
                edited.notes.push(format!(
                    "`{LINT} = \"allow\"` is kept as it is, so what is found while linking is not \
                     shown"
                ));
            }
            edited.text = text.to_owned();
            return Ok(edited);
        }
    }
    edited.text = document.to_string();
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str) -> String {
        let inherits = inherits(text).unwrap();
        let new = edit(text, inherits).unwrap().text;
        assert_eq!(edit(&new, inherits).unwrap(), Edited { text: new.clone(), notes: vec![] });
        new
    }

    #[test]
    fn the_lint_is_added_once() {
        let package = "[package]\nname = \"x\" # mine\n\n[dependencies]\n";
        let lint = "linker_messages = \"warn\"\n";
        assert_eq!(edited(package), format!("{package}\n[lints.rust]\n{lint}"));
        let lints = format!("{package}[lints.rust]\nmissing_docs = \"warn\" # all\n");
        assert_eq!(edited(&lints), format!("{lints}{lint}"));
        let inline = format!("{package}[lints]\nrust = {{ missing_docs = \"warn\" }}\n");
        let new = "{ missing_docs = \"warn\", linker_messages = \"warn\" }";
        assert_eq!(edited(&inline), inline.replace("{ missing_docs = \"warn\" }", new));
    }

    #[test]
    fn a_workspace_has_it_for_all() {
        let inheriting = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n[workspace]\n";
        assert!(
            edited(inheriting).ends_with("[workspace.lints.rust]\nlinker_messages = \"warn\"\n")
        );
        let new = edit("[workspace]\nmembers = [\"a\"]\n", false).unwrap();
        assert!(new.text.contains("[workspace.lints.rust]\n"), "{}", new.text);
        assert!(new.notes[0].contains("lints.workspace = true"));
    }

    #[test]
    fn another_level_stays() {
        for level in ["\"allow\"", "{ level = \"allow\", priority = 1 }", "\"deny\""] {
            let text = format!("[package]\n[lints.rust]\nlinker_messages = {level}\n");
            let edited = edit(&text, false).unwrap();
            assert_eq!(edited.text, text);
            assert_eq!(edited.notes.len(), usize::from(level.contains("allow")));
        }
    }

    #[test]
    fn the_verifier_in_the_build_script() {
        assert!(has_verifier("[package]\n[build-dependencies]\nstatic-call-verify = \"0.1\"\n"));
        assert!(has_verifier(
            "[package]\n[target.'cfg(unix)'.build-dependencies]\nstatic-call-verify = \"1\"\n"
        ));
        assert!(has_verifier("[workspace]\n"));
        assert!(!has_verifier("[package]\n[dependencies]\nstatic-call-verify = \"0.1\"\n"));
    }
}
