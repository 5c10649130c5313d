//! Escapes untrusted text in a page: names of keys, paths and messages come from the image.

use std::fmt::{self, Write};

/// Text without markup, for elements and for quoted attributes.
///
/// Characters that are invisible, or that change the direction of what follows, are spelled out.
pub(super) struct Text<'t>(pub(super) &'t str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| character(f, c))
    }
}

/// [`Text`] that may be wrapped after each `/` and `::`, for paths in elements.
pub(super) struct Place<'t>(pub(super) &'t str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = ' ';
        self.0.chars().try_for_each(|c| {
            character(f, c)?;
            let is_end = c == '/' || (last, c) == (':', ':');
            last = c;
            if is_end { f.write_str("<wbr>") } else { Ok(()) }
        })
    }
}

/// [`Text`] in which the parts between backquotes are code.
pub(super) struct Prose<'t>(pub(super) &'t str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('`').peekable();
        let mut is_code = false;
        while let Some(part) = parts.next() {
            let closes = parts.peek().is_some();
            match (is_code, closes) {
                (true, true) => write!(f, "<code>{}</code>", Text(part))?,
                // A backquote with no partner.
                (true, false) => write!(f, "`{}", Text(part))?,
                (false, _) => write!(f, "{}", Text(part))?,
            }
            is_code = !is_code;
        }
        Ok(())
    }
}

fn character(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        '\n' | '\t' => f.write_char(' '),
        c if c.is_control() || is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        c => f.write_char(c),
    }
}

/// Returns whether this is a format character: these are invisible, and some reorder visible text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}
