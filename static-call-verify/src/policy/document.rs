//! TOML documents, from the events of the parser with which cargo reads manifests.
//!
//! Cargo reads a manifest before it runs the package's build script, so it has refused what is not
//! TOML, and any name that is defined twice. What is here only has to understand the rest, and to
//! end well on everything else. (The crate `toml` would bring three crates more.)

use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ParseError, Source};

/// How deeply arrays and inline tables can be nested, and how long a dotted key can be. Cargo has
/// the same limit.
const DEEPEST: u32 = 80;

/// A value, and where it begins in the text.
#[derive(Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) content: Content,
}

/// What a value holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Content {
    Table(Table),
    Array(Vec<Value>),
    String(String),
    Boolean(bool),
    /// A number, a date or a time.
    Other,
}

/// Values by name, in the order in which the names first occur.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    entries: Vec<(Name, Value)>,
}

/// A name, and where it begins in the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) text: String,
}

impl Value {
    /// Returns the value of this name, if this is a table.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Table(table) => table.get(name),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the elements, if this is an array.
    pub(crate) fn elements(&self) -> &[Self] {
        match &self.content {
            Content::Array(elements) => elements,
            _ => &[],
        }
    }
}

impl Table {
    /// Reads a document. Returns `None` if it is not TOML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let (mut events, mut error) = (Vec::new(), None);
        parse_document(&tokens, &mut RecursionGuard::new(&mut events, DEEPEST), &mut error);
        let is_blank =
            |kind| matches!(kind, EventKind::Whitespace | EventKind::Comment | EventKind::Newline);
        events.retain(|event| !is_blank(event.kind()));
        let mut reader = Reader { source, events: events.into_iter(), error };
        let table = reader.document()?;
        reader.error.is_none().then_some(table)
    }

    /// Returns the value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(own, _)| own.text == name).map(|(_, value)| value)
    }

    /// Returns all names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.entries.iter()
    }

    /// Returns the value of this name, which is `new` if there is none yet.
    fn get_or_insert(&mut self, name: Name, new: impl FnOnce() -> Value) -> Option<&mut Value> {
        let at = self.entries.iter().position(|(own, _)| own.text == name.text);
        let at = at.unwrap_or_else(|| {
            self.entries.push((name, new()));
            self.entries.len() - 1
        });
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// Returns the table at a path of names. Tables that do not exist yet are made. A name of an
    /// array of tables means its last element.
    fn at(&mut self, path: Vec<Name>) -> Option<&mut Self> {
        let mut table = self;
        for name in path {
            let start = name.start;
            let new = || Value { start, content: Content::Table(Self::default()) };
            table = match &mut table.get_or_insert(name, new)?.content {
                Content::Table(table) => table,
                Content::Array(elements) => match &mut elements.last_mut()?.content {
                    Content::Table(table) => table,
                    _ => return None,
                },
                _ => return None,
            };
        }
        Some(table)
    }

    fn insert(&mut self, mut path: Vec<Name>, value: Value) -> Option<()> {
        let last = path.pop()?;
        let table = self.at(path)?;
        let is_new = table.get(&last.text).is_none();
        is_new.then(|| table.entries.push((last, value)))
    }
}

/// The events that are not read yet. Each function returns `None` on what cannot come next.
struct Reader<'t> {
    source: Source<'t>,
    events: std::vec::IntoIter<Event>,
    error: Option<ParseError>,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<Table> {
        let mut root = Table::default();
        let mut header = Vec::new();
        while let Some(event) = self.events.next() {
            match event.kind() {
                EventKind::StdTableOpen => {
                    header = self.path()?;
                    root.at(header.clone())?;
                }
                EventKind::ArrayTableOpen => {
                    header = self.path()?;
                    let (last, path) = header.split_last()?;
                    let start = event.span().start();
                    let array = root.at(path.to_vec())?.get_or_insert(last.clone(), || Value {
                        start,
                        content: Content::Array(Vec::new()),
                    })?;
                    let Content::Array(elements) = &mut array.content else { return None };
                    elements.push(Value { start, content: Content::Table(Table::default()) });
                }
                EventKind::SimpleKey => self.pair(event, root.at(header.clone())?)?,
                _ => return None,
            }
        }
        Some(root)
    }

    /// Reads a value and puts it into `table`, by a name that begins with `first`.
    fn pair(&mut self, first: Event, table: &mut Table) -> Option<()> {
        let path = self.path_from(first)?;
        let event = self.events.next()?;
        let value = self.value(event)?;
        table.insert(path, value)
    }

    /// Reads the names of a header.
    fn path(&mut self) -> Option<Vec<Name>> {
        let first = self.events.next()?;
        self.path_from(first)
    }

    /// Reads names separated by dots, and what ends them.
    fn path_from(&mut self, first: Event) -> Option<Vec<Name>> {
        let mut path = vec![self.name(first)?];
        while self.events.next()?.kind() == EventKind::KeySep {
            let next = self.events.next()?;
            path.push(self.name(next)?);
        }
        (path.len() <= DEEPEST as usize).then_some(path)
    }

    fn name(&mut self, event: Event) -> Option<Name> {
        let mut text = String::new();
        let raw = self.source.get(event).filter(|_| event.kind() == EventKind::SimpleKey)?;
        raw.decode_key(&mut text, &mut self.error);
        Some(Name { start: event.span().start(), text })
    }

    fn value(&mut self, event: Event) -> Option<Value> {
        let content = match event.kind() {
            EventKind::Scalar => {
                let mut text = String::new();
                match self.source.get(event)?.decode_scalar(&mut text, &mut self.error) {
                    ScalarKind::String => Content::String(text),
                    ScalarKind::Boolean(value) => Content::Boolean(value),
                    _ => Content::Other,
                }
            }
            EventKind::ArrayOpen => {
                let mut elements = Vec::new();
                while let Some(next) = self.element(EventKind::ArrayClose)? {
                    elements.push(self.value(next)?);
                }
                Content::Array(elements)
            }
            EventKind::InlineTableOpen => {
                let mut table = Table::default();
                while let Some(next) = self.element(EventKind::InlineTableClose)? {
                    self.pair(next, &mut table)?;
                }
                Content::Table(table)
            }
            _ => return None,
        };
        Some(Value { start: event.span().start(), content })
    }

    /// Returns the first event of the next element, or `Some(None)` at the end.
    fn element(&mut self, end: EventKind) -> Option<Option<Event>> {
        let is_comma = |event: &Event| event.kind() == EventKind::ValueSep;
        let next = self.events.find(|event| !is_comma(event))?;
        Some((next.kind() != end).then_some(next))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::{DeTable, DeValue};

    use super::*;

    /// Converts what cargo's parser returns. It sorts tables by name.
    fn expected(table: &DeTable<'_>) -> Vec<(String, Content)> {
        table.iter().map(|(name, v)| (name.get_ref().to_string(), content(v.get_ref()))).collect()
    }

    fn content(value: &DeValue<'_>) -> Content {
        let value_of = |content| Value { start: 0, content };
        match value {
            DeValue::String(text) => Content::String(text.to_string()),
            DeValue::Boolean(value) => Content::Boolean(*value),
            DeValue::Array(elements) => {
                let contents = elements.iter().map(|e| value_of(content(e.get_ref())));
                Content::Array(contents.collect())
            }
            DeValue::Table(table) => {
                let name = |text| Name { start: 0, text };
                let entries = expected(table).into_iter().map(|(n, c)| (name(n), value_of(c)));
                Content::Table(Table { entries: entries.collect() })
            }
            _ => Content::Other,
        }
    }

    /// Removes places, and sorts tables by name.
    fn normal(value: &mut Value) {
        value.start = 0;
        match &mut value.content {
            Content::Table(table) => {
                table.entries.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
                for (name, value) in &mut table.entries {
                    name.start = 0;
                    normal(value);
                }
            }
            Content::Array(elements) => elements.iter_mut().for_each(normal),
            _ => {}
        }
    }

    /// Compares with cargo's parser, if that accepts the text. Returns whether it does.
    fn compare(text: &str) -> bool {
        let own = Table::parse(text);
        let Ok(cargo) = DeTable::parse(text) else { return false };
        let mut own = Value { start: 0, content: Content::Table(own.expect(text)) };
        normal(&mut own);
        assert_eq!(own.content, content(&DeValue::Table(cargo.into_inner())), "{text}");
        true
    }

    #[test]
    fn manifests_read_as_cargo_reads_them() {
        for text in [
            "",
            "# only\n\n# comments",
            "a = 1\nb.c = true\nb.'d.e' = [1, 'x', { f = \"\\u00e9\\n\" }, [] ]",
            "[a]\nb = { c = 1, d.e = 2 }\n[a.b2.c]\nx = 1\n[a.b2]\ny = 2\n[a.b2.c.d]",
            "[[a]]\nb = 1\n[a.c]\nd = 2\n[[a]]\nb = 3\n[[a.e]]\n[[a.e]]\nf = 1979-05-27",
            "s = \"\"\"\n  one \\\n    two\"\"\"\nl = '''\nx\\'''\nf = 1.5e3",
            "n = [\n 1, # one\n 2,\n]",
            "\"quoted key\" = 1\n'' = 2\n1.2 = 3\n",
            "a.b = 1\na.c.d = 2\n[e.f]\n[e]\nx = 1\n\r\n",
            "[ a . \"b\" . c ]\r\n d = \"x\" # comment\r\n",
            "t = { a = 1,\n  # TOML 1.1\n  b = 2,\n}",
        ] {
            assert!(compare(text), "cargo accepts {text}");
        }
        let manifest = include_str!("../../Cargo.toml");
        assert!(compare(manifest));
    }

    #[test]
    fn what_is_not_toml_is_refused() {
        for text in
            ["a", "a = ", "[a", "a = [1", "a = 1\na = 2", "a = 1\n[a]", "a = 'x", "a = \"\\q\""]
        {
            assert!(!compare(text) && Table::parse(text).is_none(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Table::parse(&format!("a = {deep}")).is_none());
        let long = vec!["a"; 100_000].join(".");
        assert!(Table::parse(&format!("{long} = 1")).is_none());
    }

    #[test]
    fn places_are_those_of_names_and_values() {
        let text = "[package]\n\n[package.metadata]\nx.y = true\n";
        let table = Table::parse(text).unwrap();
        let metadata = table.get("package").and_then(|p| p.get("metadata")).unwrap();
        assert_eq!(&text[metadata.start..][..8], "metadata");
        let y = metadata.get("x").and_then(|x| x.get("y")).unwrap();
        assert_eq!(&text[y.start..], "true\n");
    }

    proptest! {
        /// Pieces in any order: many of the texts are TOML, the others must end well.
        #[test]
        fn any_text(pieces in prop::collection::vec(prop::sample::select(vec![
            "a", "b", "'c'", "\"d\"", ".", " = ", "1", "true", "\"x\"", "'''y'''", "\n", "[", "]",
            "[[", "]]", "{", "}", ", ", "# z", "[a]\n", "[[b]]\n", "a = 1\n", "b.a = 'x'\n",
            "c = { a = 1 }\n", "[a.b]\n", "a.b.c = [1, 2]\n", "\\", "\"\"\"", "é", "\r\n",
            "0x", "-",
        ]), 0..24)) {
            compare(&pieces.concat());
        }
    }
}
