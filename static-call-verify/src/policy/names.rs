//! Unknown words, and the names similar to them.

use std::fmt;

/// A word that is not a [`Level`](crate::Level), a [`FindingKey`](crate::FindingKey) or a setting.
/// Its text names similar ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    word: String,
    near: Vec<&'static str>,
    known: Vec<&'static str>,
}

impl UnknownName {
    pub(crate) fn new(
        what: &'static str,
        word: &str,
        known: impl Iterator<Item = &'static str>,
    ) -> Self {
        let known: Vec<&'static str> = known.collect();
        let near = near(word, &known);
        Self { what, word: word.to_owned(), near, known }
    }
}

impl std::error::Error for UnknownName {}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, word, near, known } = self;
        write!(f, "unknown {what} `{word}`; ")?;
        let (question, names) = match near.as_slice() {
            [] => ("expected ", known),
            _ => ("did you mean ", near),
        };
        f.write_str(question)?;
        for (i, name) in names.iter().enumerate() {
            let before = match i {
                0 => "",
                _ if i + 1 < names.len() => ", ",
                _ => " or ",
            };
            write!(f, "{before}`{name}`")?;
        }
        f.write_str(if near.is_empty() { "" } else { "?" })
    }
}

/// Returns the names that may have been meant, the most similar first.
fn near(word: &str, known: &[&'static str]) -> Vec<&'static str> {
    const MOST: usize = 6;
    let word = word.trim_end_matches(['*', '.']).to_ascii_lowercase().replace('_', "-");
    if word.is_empty() || word.len() > 100 {
        return Vec::new();
    }
    let head = |name: &str| name.split_once('.').map(|(head, _)| head.to_owned());
    // The name without its first part, in case only that was left out.
    let tail = |name: &'static str| name.split_once('.').map_or(name, |(_, tail)| tail);
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let mut ranked: Vec<(usize, &'static str)> = known
        .iter()
        .filter_map(|&name| {
            let forms = [name, tail(name), last(name)];
            let mut distance = forms.map(|form| distance(&word, form)).into_iter().min()?;
            if name.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with('.')) {
                distance = 0;
            } else if name.starts_with(&word) {
                distance = distance.min(1);
            }
            let is_near = distance <= 1 + word.len() / 5;
            let is_of_family = head(&word).is_some_and(|h| head(name) == Some(h));
            (is_near || is_of_family || distance <= 1).then_some((distance, name))
        })
        .collect();
    ranked.sort();
    // If something is very similar, the rest of its family is noise.
    if ranked.first().is_some_and(|(d, _)| *d <= 2) {
        ranked.retain(|(d, _)| *d <= 2);
    }
    ranked.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Returns the number of insertions, deletions and replacements from one word to another.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{FindingKey, Level};

    fn said(word: &str) -> String {
        word.parse::<FindingKey>().unwrap_err().to_string()
    }

    #[test]
    fn distances() {
        for (a, b, n) in [("", "abc", 3), ("line", "lime", 1), ("straddle", "stradle", 1)] {
            assert_eq!((distance(a, b), distance(b, a)), (n, n));
        }
    }

    #[test]
    fn similar_names_are_suggested() {
        assert_eq!(
            said("call.grade.lime"),
            "unknown finding `call.grade.lime`; did you mean `call.grade.line`?"
        );
        assert!(said("call.grade").ends_with("`call.grade.line` or `call.grade.straddle`?"));
        assert!(said("straddle").ends_with("did you mean `call.grade.straddle`?"));
        assert!(said("call.via_got").contains("did you mean `call.via-got` or `call.via-plt`?"));
        assert!(said("call.nothing").contains("`call.grade.straddle`"), "{}", said("call.nothing"));
        let error = FindingKey::matching("call.grad.*").unwrap_err().to_string();
        assert!(error.ends_with("mean `call.grade.line` or `call.grade.straddle`?"), "{error}");
    }

    #[test]
    fn if_nothing_is_similar_all_names_are_listed() {
        let said = said("x");
        assert!(said.contains("expected `call.grade.line`, ") && said.contains(" or `flags"));
        let level = "forbid".parse::<Level>().unwrap_err().to_string();
        assert_eq!(level, "unknown level `forbid`; expected `allow`, `note`, `warn` or `deny`");
    }
}
