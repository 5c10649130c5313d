//! Reads `[package.metadata.static-call]` in a `Cargo.toml`, which overrides
//! `[workspace.metadata.static-call]` in its workspace's.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::document::{Content, Name, Table, Value};
use super::keys::FindingKey;
use super::level::Level;
use super::names::UnknownName;
use super::settings::Settings;
use crate::sort;

/// The settings that are not findings or levels.
const OTHER: [&str; 4] = ["report", "strict", "names", "bind"];

/// The tables of a package and of a workspace.
const OWNERS: [&str; 2] = ["package", "workspace"];

/// Returns the settings of a package, or what is wrong with them, each problem with its line.
/// Settings that the package does not have come from its workspace. Paths are absolute if
/// `manifest` is. A missing manifest sets nothing.
pub(crate) fn read(manifest: &Path) -> Result<Settings, Vec<String>> {
    let [package, workspace] = OWNERS;
    let text = fs::read_to_string(manifest).unwrap_or_default();
    let settings = read_table(manifest, &text, package);
    let place = std::path::absolute(manifest).unwrap_or_else(|_| manifest.to_owned());
    let root = root(&place, &text, &|path| fs::read_to_string(path).ok());
    let shared =
        root.map_or(Ok(Settings::default()), |(path, text)| read_table(&path, &text, workspace));
    match (settings, shared) {
        (Ok(settings), Ok(shared)) => Ok(settings.over(shared)),
        (settings, shared) => {
            Err([settings.err(), shared.err()].into_iter().flatten().flatten().collect())
        }
    }
}

/// Returns the directory of the workspace of the package in `directory`, where cargo runs rustc for
/// it.
pub(crate) fn workspace(directory: &Path) -> PathBuf {
    let manifest = directory.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap_or_default();
    let root = root(&manifest, &text, &|path| fs::read_to_string(path).ok());
    let root = root.and_then(|(path, _)| path.parent().map(Path::to_owned));
    root.unwrap_or_else(|| directory.to_owned())
}

fn read_table(manifest: &Path, text: &str, owner: &str) -> Result<Settings, Vec<String>> {
    let directory = manifest.parent().unwrap_or(Path::new(""));
    let settings = parse(text, owner).map(|settings| settings.below(directory));
    settings.map_err(|mistakes| {
        let place = |(line, what)| format!("{}:{line}: {what}", manifest.display());
        mistakes.into_iter().map(place).collect()
    })
}

/// Returns the manifest of a package's workspace and its text, found as cargo finds it: the
/// package's own, the one that `package.workspace` names, or else the nearest one above that does
/// not exclude the package.
fn root(
    manifest: &Path,
    text: &str,
    read: &dyn Fn(&Path) -> Option<String>,
) -> Option<(PathBuf, String)> {
    let directory = manifest.parent()?;
    if let Some(own) = Table::parse(text) {
        if own.get("workspace").is_some() {
            return Some((manifest.to_owned(), text.to_owned()));
        }
        let named = own.get("package").and_then(|package| package.get("workspace"));
        if let Some(named) = named.and_then(Value::text) {
            let path = plain(&directory.join(named)).join("Cargo.toml");
            return read(&path).map(|text| (path, text));
        }
    }
    for above in directory.ancestors().skip(1) {
        let path = above.join("Cargo.toml");
        let Some(text) = read(&path) else { continue };
        let Some(document) = Table::parse(&text) else { continue };
        let Some(workspace) = document.get("workspace") else { continue };
        let lists = |name: &str| {
            let list = workspace.get(name).map(Value::elements).unwrap_or_default();
            let mut paths = list.iter().filter_map(Value::text);
            paths.any(|path| directory.starts_with(plain(&above.join(path))))
        };
        let is_left_out = lists("exclude") && !lists("members");
        return (!is_left_out).then_some((path, text));
    }
    None
}

/// Returns a path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            other => plain.push(other),
        }
    }
    plain
}

/// Reads a table in a manifest's text. If the text is not TOML, cargo complains about it.
fn parse(text: &str, owner: &str) -> Result<Settings, Vec<(usize, String)>> {
    let mut reader = Reader { text, owner, levels: Vec::new(), mistakes: Vec::new() };
    let mut settings = Settings::default();
    if !text.contains("metadata") {
        return Ok(settings);
    }
    let Some(document) = Table::parse(text) else { return Ok(settings) };
    let metadata = document.get(owner).and_then(|value| value.get("metadata"));
    let Some(value) = metadata.and_then(|value| value.get("static-call")) else {
        return Ok(settings);
    };
    match &value.content {
        Content::Table(table) => reader.table(table, &mut settings),
        _ => reader.mistake(value.start, "`static-call` must be a table of findings and levels"),
    }
    if !reader.mistakes.is_empty() {
        return Err(reader.mistakes);
    }
    // Order means nothing in a table. A pattern that names fewer findings overrides one that names
    // more, then the stricter level overrides the milder.
    sort::by_key(&mut reader.levels, |(keys, level)| [!(keys.len() as u64), *level as u64]);
    let levels = reader.levels.into_iter();
    settings.levels = levels.flat_map(|(keys, l)| keys.into_iter().map(move |k| (k, l))).collect();
    Ok(settings)
}

struct Reader<'t> {
    text: &'t str,
    owner: &'t str,
    levels: Vec<(Vec<FindingKey>, Level)>,
    mistakes: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn table(&mut self, table: &Table, settings: &mut Settings) {
        for (name, value) in table.iter() {
            match (name.text.as_str(), &value.content) {
                ("strict", Content::Boolean(strict)) => settings.strict = Some(*strict),
                ("strict", _) => self.mistake(value.start, "`strict` must be `true` or `false`"),
                ("names", Content::Boolean(names)) => settings.names = Some(*names),
                ("names", _) => self.mistake(value.start, "`names` must be `true` or `false`"),
                ("bind", Content::Boolean(bind)) => settings.bind = Some(*bind),
                ("bind", _) => self.mistake(value.start, "`bind` must be `true` or `false`"),
                ("report", Content::String(path)) => settings.report = Some(path.into()),
                ("report", _) => {
                    self.mistake(value.start, "`report` must be the name of a directory");
                }
                (word, _) => match word.parse::<Level>() {
                    Ok(level) => self.list(value, level),
                    Err(_) => self.finding(word, name, value),
                },
            }
        }
    }

    /// Reads `deny = ["call.register", "call.grade.*"]`, or just one name.
    fn list(&mut self, value: &Value, level: Level) {
        let names = match &value.content {
            Content::Array(names) => names.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for name in names {
            match name.text() {
                Some(word) => self.set(word, name.start, level),
                None => {
                    let what = format!("`{level}` must be a list of findings, as strings");
                    self.mistake(name.start, &what);
                }
            }
        }
    }

    /// Reads `"call.register" = "deny"`. Without quotes, the dots make tables of it.
    fn finding(&mut self, word: &str, name: &Name, value: &Value) {
        match &value.content {
            Content::String(level) => match level.parse() {
                Ok(level) => self.set(word, name.start, level),
                Err(unknown) => self.mistake(value.start, &unknown.to_string()),
            },
            Content::Table(table) => {
                for (rest, value) in table.iter() {
                    self.finding(&format!("{word}.{}", rest.text), rest, value);
                }
            }
            _ if FindingKey::matching(word).is_ok() => {
                self.mistake(
                    value.start,
                    "the level of a finding must be `allow`, `note`, `warn` or `deny`",
                );
            }
            _ => {
                let levels = Level::ALL.into_iter().map(Level::as_str);
                let unknown = UnknownName::new("setting", word, levels.chain(OTHER));
                self.mistake(name.start, &unknown.to_string());
            }
        }
    }

    fn set(&mut self, word: &str, start: usize, level: Level) {
        match FindingKey::matching(word) {
            Ok(keys) => self.levels.push((keys, level)),
            Err(unknown) => self.mistake(start, &unknown.to_string()),
        }
    }

    fn mistake(&mut self, start: usize, what: &str) {
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.mistakes.push((line, format!("[{}.metadata.static-call]: {what}", self.owner)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        parse(&format!("[package]\nname = \"x\"\n{text}"), "package").unwrap()
    }

    fn mistakes(text: &str) -> String {
        let lines = parse(text, "package")
            .unwrap_err()
            .into_iter()
            .map(|(n, what)| format!("{n}: {what}\n"));
        lines.collect()
    }

    #[test]
    fn every_form_in_toml_means_the_same() {
        for text in [
            "[package.metadata.static-call]\n\"call.register\" = \"deny\"",
            "[package.metadata.static-call]\ncall.register = \"deny\"",
            "[package.metadata.static-call]\ndeny = [\"call.register\"]",
            "[package.metadata.static-call]\ndeny = 'call.register'",
            "[package.metadata]\nstatic-call = { deny = [ \"call.register\" ] }",
            "[package.metadata.static-call.call]\nregister = \"deny\"",
            "metadata.\"static-call\".deny = [\n  # why\n  \"call.register\",\n]",
        ] {
            assert_eq!(read(text).levels, [(FindingKey::CallRegister, Level::Deny)], "{text}");
        }
    }

    #[test]
    fn without_the_table_nothing_is_set() {
        let others = ["[workspace.metadata.static-call]\ndeny = 1", ""];
        for text in others
            .into_iter()
            .chain(["[package.metadata.other]\ndeny = 1", "[metadata.static-call]\ndeny = 1"])
        {
            assert_eq!(read(text), Settings::default());
        }
        assert_eq!(parse("metadata = [not toml", "package").unwrap(), Settings::default());
    }

    #[test]
    fn a_name_overrides_a_pattern() {
        let settings = read(
            "[package.metadata.static-call]\n\"call.grade.line\" = \"allow\"\n\
             warn = [\"call.grade.*\"]\ndeny = [\"*\"]\nstrict = true\nreport = \"reports\"\n\
             names = false\nbind = true",
        );
        let policy = settings.policy();
        assert_eq!(policy.level(FindingKey::CallGradeLine), Level::Allow);
        assert_eq!(policy.level(FindingKey::CallGradeStraddle), Level::Warn);
        assert_eq!(policy.level(FindingKey::FlagsMissing), Level::Deny);
        assert!(settings.is_strict() && settings.report == Some("reports".into()));
        assert!(!settings.has_names() && policy.binds_defaults());
        assert!(!read("").policy().binds_defaults());
        let twice = "[package.metadata.static-call]\ndeny = \"call.form\"\nnote = \"call.form\"";
        assert_eq!(read(twice).policy().level(FindingKey::CallForm), Level::Deny, "the stricter");
    }

    #[test]
    fn the_workspace_is_found_as_cargo_finds_it() {
        const PACKAGE: &str = "[package]\nname = \"x\"\n";
        let files = |path: &Path| {
            let text = match path.to_str()? {
                "/w/Cargo.toml" => {
                    "[workspace]\nexclude = [\"out\", \"./x/../both\"]\nmembers = [\"both/in\"]"
                }
                "/w/a/Cargo.toml" => PACKAGE,
                "/other/Cargo.toml" => "[workspace]",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let found = |manifest: &str, more: &str| {
            let text = format!("{PACKAGE}{more}");
            root(Path::new(manifest), &text, &files).map(|(path, _)| path.display().to_string())
        };
        let root = Some("/w/Cargo.toml".to_owned());
        assert_eq!(found("/w/a/b/Cargo.toml", ""), root, "above another package");
        assert_eq!(found("/w/Cargo.toml", "[workspace]"), root);
        assert_eq!(found("/w/a/Cargo.toml", "[workspace]"), Some("/w/a/Cargo.toml".into()));
        assert_eq!(found("/w/out/Cargo.toml", ""), None);
        assert_eq!(found("/w/outer/Cargo.toml", ""), root);
        assert_eq!(found("/w/both/out/Cargo.toml", ""), None);
        assert_eq!(found("/w/both/in/Cargo.toml", ""), root, "a member although excluded");
        assert_eq!(found("/elsewhere/Cargo.toml", ""), None);
        let named = "workspace = \"../../other\"";
        assert_eq!(found("/w/a/Cargo.toml", named), Some("/other/Cargo.toml".into()));
    }

    #[test]
    fn package_settings_override_workspace_settings() {
        let dir = std::env::temp_dir().join(format!("static-call-manifest-{}", std::process::id()));
        fs::create_dir_all(dir.join("member")).unwrap();
        let write = |path: &str, text: &str| fs::write(dir.join(path), text).unwrap();
        write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"member\"]\n[workspace.metadata.static-call]\n\
             deny = [\"call.grade.*\"]\nwarn = \"call.form\"\nstrict = true\n\
             report = \"reports\"\n",
        );
        let member = "[package]\nname = \"m\"\n[package.metadata.static-call]\n\
                      note = \"call.grade.*\"\n";
        write("member/Cargo.toml", &format!("{member}\"call.grade.line\" = \"allow\"\n"));
        let settings = super::read(&dir.join("member/Cargo.toml")).unwrap();
        let policy = settings.policy();
        assert_eq!(policy.level(FindingKey::CallGradeLine), Level::Allow);
        assert_eq!(
            policy.level(FindingKey::CallGradeStraddle),
            Level::Note,
            "its pattern overrides, too"
        );
        assert_eq!(policy.level(FindingKey::CallForm), Level::Warn, "set only by the workspace");
        assert!(settings.is_strict());
        assert_eq!(settings.report, Some(dir.join("reports")), "relative to the workspace");
        write("member/Cargo.toml", &format!("{member}strict = false\nreport = \"own\"\n"));
        let settings = super::read(&dir.join("member/Cargo.toml")).unwrap();
        assert!(!settings.is_strict() && settings.report == Some(dir.join("member/own")));
        // The workspace's own manifest, and mistakes in both.
        assert!(super::read(&dir.join("Cargo.toml")).unwrap().is_strict());
        write("Cargo.toml", "[workspace]\n[workspace.metadata.static-call]\nstrict = 1\n");
        write("member/Cargo.toml", &format!("{member}strict = 2\n"));
        let mistakes = super::read(&dir.join("member/Cargo.toml")).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(
            mistakes[0].contains("member/Cargo.toml:5: [package.metadata.static-call]: `strict`")
        );
        assert!(mistakes[1].contains("Cargo.toml:3: [workspace.metadata.static-call]: `strict`"));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        let said = mistakes(
            "[package.metadata.static-call]\ndeny = [\n\"call.grade.lime\", 1]\n\
             call.via-got = \"forbid\"\nstict = true\nstrict = 1\n\"call.form\" = 2\n\
             names = \"no\"\nname = true\nbind = \"yes\"\nbinds = true",
        );
        for part in [
            "3: [package.metadata.static-call]: unknown finding `call.grade.lime`; did you \
             mean `call.grade.line`?\n",
            "3: [package.metadata.static-call]: `deny` must be a list of findings, as strings\n",
            "4: [package.metadata.static-call]: unknown level `forbid`; expected `allow`",
            "5: [package.metadata.static-call]: unknown setting `stict`; did you mean \
             `strict`?\n",
            "6: [package.metadata.static-call]: `strict` must be `true` or `false`\n",
            "7: [package.metadata.static-call]: the level of a finding must be `allow`, `note`,",
            "8: [package.metadata.static-call]: `names` must be `true` or `false`\n",
            "9: [package.metadata.static-call]: unknown setting `name`; did you mean `names`?\n",
            "10: [package.metadata.static-call]: `bind` must be `true` or `false`\n",
            "11: [package.metadata.static-call]: unknown setting `binds`; did you mean `bind`?\n",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
