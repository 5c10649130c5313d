//! Tests that the page is legible: sizes and colours.

use super::*;

/// CSS pixels per `rem`.
const REM: f64 = 16.0;
/// Minimum size in pixels of a legible number.
const LEGIBLE: f64 = 11.0;
/// Width of a drawing in units.
const ACROSS: f64 = 648.0;

/// The meaning of the letters is explained only where the drawings have letters.
#[test]
fn letters_and_their_meaning_go_together() {
    let page = html(&report(), "app");
    assert!(page.contains("<span class=\"letter\">, marked <b>o</b>,</span>"));
    assert!(narrow().contains(".byte, .letter { display: none; }"));
    assert_eq!(STYLE.matches(".byte { display").count(), 0);
}

/// Browsers omit the contents of such an element from the outline that a screen reader sees.
#[test]
fn headings_exist_before_they_are_scrolled_to() {
    let rules = STYLE.split('}').filter(|rule| rule.contains("content-visibility: auto"));
    let selectors: Vec<&str> = rules.filter_map(|r| Some(r.split_once('{')?.0.trim())).collect();
    assert_eq!(selectors, [".finding li", ".row"]);
}

fn narrow() -> &'static str {
    STYLE.split_once("@media screen and (max-width: 40rem)").expect("narrow pages").1
}

/// Returns the number that follows `before`.
fn number(style: &str, before: &str) -> f64 {
    let (_, text) = style.split_once(before).expect(before);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().expect("a number")
}

#[test]
fn the_numbers_of_bytes_are_legible() {
    let page = html(&report(), "app");
    assert!(page.contains(&format!("viewBox=\"-4 0 {ACROSS} ")));
    let wide = number(STYLE, ".draw { display: block; width: 100%; max-width: ") * REM;
    assert!(number(STYLE, ".at { font: ") * wide / ACROSS >= LEGIBLE);
    // What is left of a page 420 pixels wide without its padding, and that of a key and its border.
    let padding =
        number(narrow(), "padding-inline: ") + number(STYLE, ":not(summary) { margin: 0 ");
    let left = 420.0 - 2.0 * (padding * REM + 1.0);
    assert!(number(narrow(), ".at { font-size: ") * left / ACROSS >= LEGIBLE);
}

/// Returns the colours of a scheme, which override those of `base`.
fn colours<'s>(style: &'s str, base: &[(&'s str, &'s str)]) -> Vec<(&'s str, &'s str)> {
    let (block, _) = style.split_once('}').expect("a block");
    let pairs = block.split(';').filter_map(|p| p.rsplit_once("--")?.1.split_once(": "));
    // The first one with a name wins.
    pairs.chain(base.iter().copied()).collect()
}

/// Returns the relative luminance of `#rgb` or `#rrggbb`, as defined by the WCAG.
fn luminance(colour: &str) -> f64 {
    let digits = colour.trim_start_matches('#');
    let width = digits.len() / 3;
    let channel = |i: usize| {
        let value = u32::from_str_radix(&digits[i * width..(i + 1) * width], 16).expect("a colour");
        let value = f64::from(if width == 1 { value * 17 } else { value }) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

#[test]
fn text_has_contrast_in_both_schemes() {
    const TEXT: [(&str, &[&str]); 6] = [
        (
            "text",
            &["page", "soft", "even", "tramp-soft", "inline-fill", "tramp-fill", "other-fill"],
        ),
        ("quiet", &["page", "soft"]),
        ("inline", &["page", "soft", "inline-soft"]),
        ("tramp", &["page", "soft", "tramp-soft"]),
        ("other", &["page", "other-soft"]),
        ("bad", &["page"]),
    ];
    let (_, style) = STYLE.split_once(":root {").unwrap();
    let light = colours(style, &[]);
    let (_, style) = style.split_once("(prefers-color-scheme: dark) {\n  :root {").unwrap();
    let dark = colours(style, &light);
    assert_ne!(light[0], dark[0]);
    for scheme in [light, dark] {
        let of = |name| scheme.iter().find(|(n, _)| *n == name).expect(name).1;
        for (text, grounds) in TEXT {
            for ground in grounds {
                let (a, b) = (luminance(of(text)), luminance(of(ground)));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast}");
            }
        }
    }
}
