//! `[package.metadata.static-call]` of a `Cargo.toml`.

use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::Settings;
use crate::policy::UnknownName;
use crate::{FindingKey, Level};

/// The settings besides findings and levels.
const OTHER: [&str; 2] = ["report", "strict"];

/// The settings of a package, or what is wrong with them, each with its line. A manifest that is
/// not there sets nothing.
pub(crate) fn read(manifest: &Path) -> Result<Settings, Vec<String>> {
    let text = fs::read_to_string(manifest).unwrap_or_default();
    parse(&text).map_err(|mistakes| {
        let place = |(line, what)| format!("{}:{line}: {what}", manifest.display());
        mistakes.into_iter().map(place).collect()
    })
}

/// Reads a manifest's text. Cargo complains of one that is no TOML.
fn parse(text: &str) -> Result<Settings, Vec<(usize, String)>> {
    let mut reader = Reader { text, levels: Vec::new(), mistakes: Vec::new() };
    let mut settings = Settings::default();
    if !text.contains("metadata") {
        return Ok(settings);
    }
    let Ok(document) = DeTable::parse(text) else { return Ok(settings) };
    let package = document.get_ref().get("package").and_then(|v| v.get_ref().get("metadata"));
    let Some(table) = package.and_then(|v| v.get_ref().get("static-call")) else {
        return Ok(settings);
    };
    match table.get_ref() {
        DeValue::Table(table) => reader.table(table, &mut settings),
        _ => reader.mistake(table, "`static-call` is a table of findings and levels"),
    }
    if !reader.mistakes.is_empty() {
        return Err(reader.mistakes);
    }
    // Order means nothing in a table: what names more findings counts less, then what is milder.
    reader.levels.sort_by_key(|(keys, level)| (std::cmp::Reverse(keys.len()), *level));
    let levels = reader.levels.into_iter();
    settings.levels = levels.flat_map(|(keys, l)| keys.into_iter().map(move |k| (k, l))).collect();
    Ok(settings)
}

struct Reader<'t> {
    text: &'t str,
    levels: Vec<(Vec<FindingKey>, Level)>,
    mistakes: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("strict", DeValue::Boolean(strict)) => settings.strict = *strict,
                ("strict", _) => self.mistake(value, "`strict` is `true` or `false`"),
                ("report", DeValue::String(path)) => settings.report = Some(path.as_ref().into()),
                ("report", _) => self.mistake(value, "`report` is the name of a directory"),
                (word, _) => match word.parse::<Level>() {
                    Ok(level) => self.list(value, level),
                    Err(_) => self.finding(word, name, value),
                },
            }
        }
    }

    /// `deny = ["call.register", "call.grade.*"]`, or one name alone.
    fn list(&mut self, value: &Spanned<DeValue<'_>>, level: Level) {
        let names: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(names) => names.iter().collect(),
            _ => vec![value],
        };
        for name in names {
            match name.get_ref() {
                DeValue::String(word) => self.set(word, name, level),
                _ => self.mistake(name, &format!("`{level}` is a list of findings, as texts")),
            }
        }
    }

    /// `"call.register" = "deny"`; without quotes the dots make tables of it.
    fn finding<T>(&mut self, word: &str, name: &Spanned<T>, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::String(level) => match level.parse() {
                Ok(level) => self.set(word, name, level),
                Err(unknown) => self.mistake(value, &unknown.to_string()),
            },
            DeValue::Table(table) => {
                for (rest, value) in table {
                    self.finding(&format!("{word}.{}", rest.get_ref()), rest, value);
                }
            }
            _ if FindingKey::matching(word).is_ok() => {
                self.mistake(value, "the level of a finding is `allow`, `note`, `warn` or `deny`");
            }
            _ => {
                let levels = Level::ALL.into_iter().map(Level::as_str);
                let unknown = UnknownName::new("setting", word, levels.chain(OTHER));
                self.mistake(name, &unknown.to_string());
            }
        }
    }

    fn set<T>(&mut self, word: &str, place: &Spanned<T>, level: Level) {
        match FindingKey::matching(word) {
            Ok(keys) => self.levels.push((keys, level)),
            Err(unknown) => self.mistake(place, &unknown.to_string()),
        }
    }

    fn mistake<T>(&mut self, place: &Spanned<T>, what: &str) {
        let before = self.text.get(..place.span().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.mistakes.push((line, format!("[package.metadata.static-call]: {what}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        parse(&format!("[package]\nname = \"x\"\n{text}")).unwrap()
    }

    fn mistakes(text: &str) -> String {
        let lines = parse(text).unwrap_err().into_iter().map(|(n, what)| format!("{n}: {what}\n"));
        lines.collect()
    }

    #[test]
    fn every_form_of_toml_means_the_same() {
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
    fn nothing_is_set_where_nothing_is_said() {
        for text in ["", "[package.metadata.other]\ndeny = 1", "[metadata.static-call]\ndeny = 1"] {
            assert_eq!(read(text), Settings::default());
        }
        assert_eq!(parse("metadata = [not toml").unwrap(), Settings::default());
    }

    #[test]
    fn a_name_counts_more_than_a_pattern() {
        let settings = read(
            "[package.metadata.static-call]\n\"call.grade.line\" = \"allow\"\n\
             warn = [\"call.grade.*\"]\ndeny = [\"*\"]\nstrict = true\nreport = \"reports\"",
        );
        let policy = settings.policy();
        assert_eq!(policy.level(FindingKey::CallGradeLine), Level::Allow);
        assert_eq!(policy.level(FindingKey::CallGradeStraddle), Level::Warn);
        assert_eq!(policy.level(FindingKey::FlagsMissing), Level::Deny);
        assert!(settings.strict && settings.report == Some("reports".into()));
        let twice = "[package.metadata.static-call]\ndeny = \"call.form\"\nnote = \"call.form\"";
        assert_eq!(read(twice).policy().level(FindingKey::CallForm), Level::Deny, "the stricter");
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let said = mistakes(
            "[package.metadata.static-call]\ndeny = [\n\"call.grade.lime\", 1]\n\
             call.via-got = \"forbid\"\nstict = true\nstrict = 1\n\"call.form\" = 2",
        );
        for part in [
            "3: [package.metadata.static-call]: there is no finding `call.grade.lime`; did you \
             mean `call.grade.line`?\n",
            "3: [package.metadata.static-call]: `deny` is a list of findings, as texts\n",
            "4: [package.metadata.static-call]: there is no level `forbid`; known are",
            "5: [package.metadata.static-call]: there is no setting `stict`; did you mean \
             `strict`?\n",
            "6: [package.metadata.static-call]: `strict` is `true` or `false`\n",
            "7: [package.metadata.static-call]: the level of a finding is `allow`, `note`,",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
