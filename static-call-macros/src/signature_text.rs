//! Signatures as text, for reports.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The tokens on one line, spaced as rustfmt would.
pub(crate) fn readable(tokens: TokenStream) -> String {
    let mut atoms = Vec::new();
    flatten(tokens, &mut atoms);
    let mut text = String::new();
    for (i, atom) in atoms.iter().enumerate() {
        let trailing_comma = atom == ","
            && matches!(atoms.get(i + 1), Some(n) if n == ")")
            && !is_one_tuple(&atoms[..i]);
        if trailing_comma {
            continue;
        }
        if i > 0 && is_spaced(&atoms[i - 1], atom) {
            text.push(' ');
        }
        text.push_str(atom);
    }
    text
}

/// Whether the open parenthesis has no comma yet, so that the next one makes a one-tuple.
fn is_one_tuple(before: &[String]) -> bool {
    let mut depth = 0;
    for (i, atom) in before.iter().enumerate().rev() {
        match atom.as_str() {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth > 0 => depth -= 1,
            // A list of parameters follows a name or its generics.
            "(" => return i == 0 || !ends_name(&before[i - 1]),
            "," if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

fn flatten(tokens: TokenStream, atoms: &mut Vec<String>) {
    let mut joint = false;
    for token in tokens {
        let was_joint = std::mem::replace(&mut joint, false);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                atoms.extend((!open.is_empty()).then(|| open.to_owned()));
                flatten(group.stream(), atoms);
                atoms.extend((!close.is_empty()).then(|| close.to_owned()));
            }
            TokenTree::Punct(punct) => {
                joint = punct.spacing() == Spacing::Joint;
                match atoms.last_mut() {
                    Some(last) if was_joint && is_pair(last, punct.as_char()) => {
                        last.push(punct.as_char());
                    }
                    _ => atoms.push(punct.as_char().to_string()),
                }
            }
            TokenTree::Ident(ident) => match atoms.last_mut() {
                Some(last) if was_joint && last == "'" => last.push_str(&ident.to_string()),
                _ => atoms.push(ident.to_string()),
            },
            TokenTree::Literal(literal) => atoms.push(literal.to_string()),
        }
    }
}

fn is_pair(first: &str, second: char) -> bool {
    matches!((first, second), ("-", '>') | (":", ':') | ("=", '=') | (".", '.') | ("..", '.'))
}

fn is_word(atom: &str) -> bool {
    atom.starts_with(|c: char| c == '_' || c.is_alphanumeric() || "'\"".contains(c))
}

/// Keywords before a type or a pattern, and lifetimes.
fn is_prefix(atom: &str) -> bool {
    matches!(atom, "mut" | "const" | "dyn" | "impl" | "as" | "ref" | "in" | "where")
        || atom.starts_with('\'')
}

fn ends_name(atom: &str) -> bool {
    is_word(atom) && !is_prefix(atom) || atom == ">"
}

fn is_spaced(before: &str, atom: &str) -> bool {
    match (before, atom) {
        (_, "," | ")" | "]" | ";" | ">") => false,
        (_, "->" | "+" | "=" | "{" | "}") | ("->" | "+" | "=" | "," | ":" | "{" | "}" | ";", _) => {
            true
        }
        (_, ":" | "::" | "<" | "!" | ".") => false,
        ("(" | "[" | "<" | "::" | "&" | "*" | "!" | "#" | ".", _) => false,
        (_, "(") => !ends_name(before),
        (_, "[") => before != "#",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn signatures_read_as_written() {
        for text in [
            "fn f()",
            "fn checksum(data: &[u8], big: Big) -> u32",
            "unsafe fn f<'a, 'b>(a: &'a mut [u8], b: &'b str) -> &'a u8",
            "fn f(self: Pin<&mut Self>, x: *const u8, y: [u8; 4]) -> !",
            "fn f(&mut self, (a, b): (u8, u16), g: fn(&u8) -> (u8,)) -> Vec<Option<(u8, u8)>>",
            "fn f(x: Box<dyn Fn(u8) -> u8 + Send + 'static>) -> std::io::Result<()>",
            "fn f(a: <Vec<u8> as IntoIterator>::Item, mut b: Foo<'_>, _: [u8; { N + 1 }])",
        ] {
            assert_eq!(readable(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn trailing_commas_go() {
        assert_eq!(
            readable("fn f ( a : u8 , b : ( u8 , ) , )".parse().unwrap()),
            "fn f(a: u8, b: (u8,))"
        );
    }
}
