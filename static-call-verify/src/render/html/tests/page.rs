//! A tag reader that knows just enough HTML for the page.

/// The start of an element: its name, attributes and depth.
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) depth: usize,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn is(&self, name: &str, class: &str) -> bool {
        let classes = self.get("class").unwrap_or_default();
        self.name == name && classes.split(' ').any(|c| c == class)
    }
}

/// Returns the elements of a page in order. Panics if one is not closed in order.
pub(super) fn tags(page: &str) -> Vec<Tag> {
    const VOID: [&str; 3] = ["meta", "input", "wbr"];
    let (mut tags, mut open): (Vec<Tag>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document");
    while let Some(at) = rest.find('<') {
        let raw = open.last().filter(|name| ["style", "script"].contains(&name.as_str()));
        if let Some(name) = raw {
            let end = format!("</{name}>");
            rest = &rest[rest.find(&end).expect("closed")..];
        } else {
            assert!(!rest[..at].contains('>'), "a bare `>`: {}", &rest[..at]);
            rest = &rest[at..];
        }
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(name),
                "before {}",
                &rest[..rest.len().min(200)]
            );
            continue;
        }
        let is_closed = tag.ends_with('/');
        let (name, mut text) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while !text.trim().is_empty() {
            text = text.trim_start();
            let end = text.find(['=', ' ']).unwrap_or(text.len());
            let (attribute, after) = text.split_at(end);
            let Some(value) = after.strip_prefix("=\"") else {
                attributes.push((attribute.to_owned(), String::new()));
                text = after;
                continue;
            };
            let (value, after) = value.split_once('"').expect("a quoted value");
            attributes.push((attribute.to_owned(), value.to_owned()));
            text = after;
        }
        tags.push(Tag { name: name.to_owned(), attributes, depth: open.len() });
        if !is_closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    tags
}

/// Returns the words of a page as they are read, without tags, with a `|` where a block begins or
/// ends.
pub(super) fn words(page: &str) -> Vec<String> {
    let (_, body) = page.split_once("<main>").expect("a page");
    let (body, _) = body.split_once("</main>").expect("a page");
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        let (tag, after) = part.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        text.push_str(match name {
            "code" | "b" | "wbr" => "",
            "span" | "a" | "small" => " ",
            _ => " | ",
        });
        text.push_str(after);
    }
    text.split_whitespace().map(str::to_owned).collect()
}
