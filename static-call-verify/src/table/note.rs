//! The note beside the table: the version of the verifier, how the image was compiled, and the
//! policy. If any of them changes, so does the build id of the image.

use object::elf::NoteType;

use crate::compiled::Compiled;
use crate::elf::image::Image;
use crate::policy::Policy;

/// Section of the note.
pub(crate) const NOTE_SECTION: &str = ".note.static_call";
/// Owner and type of the note.
const OWNER: &[u8] = b"static-call\0";
const TYPE: NoteType = NoteType(1);
/// The word before the flags.
const FLAGS: &str = "compiled:";

/// Returns the bytes of the note.
pub(super) fn note(policy: &Policy, compiled: Option<Compiled>) -> Vec<u8> {
    let flags = compiled.map(|c| format!("{FLAGS}{} ", c.to_text())).unwrap_or_default();
    let text = format!("{} {flags}{policy}", env!("CARGO_PKG_VERSION"));
    let mut note = Vec::new();
    let word = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    note.extend(word(OWNER.len()));
    note.extend(word(text.len()));
    note.extend(TYPE.0.to_le_bytes());
    note.extend(OWNER);
    note.extend(text.as_bytes());
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

/// Returns how the image was compiled, if the link hook has recorded it.
pub(crate) fn compiled(image: &Image<'_>) -> Option<Compiled> {
    let section = image.sections_named(NOTE_SECTION).next()?;
    text(image.section_data(section)?).and_then(parse)
}

fn parse(text: &str) -> Option<Compiled> {
    let mut words = text.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix(FLAGS)).map(Compiled::from_text)
}

/// Returns the text of a note, if it is one of ours.
fn text(note: &[u8]) -> Option<&str> {
    let (head, rest) = note.split_at_checked(12)?;
    let (owner, rest) = rest.split_at_checked(OWNER.len())?;
    let word = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let is_own = word(0)? as usize == OWNER.len() && word(8)? == TYPE.0 && owner == OWNER;
    let text = rest.get(..usize::try_from(word(4)?).ok()?).filter(|_| is_own)?;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{FindingKey, Level};

    #[test]
    fn a_note_says_how_the_image_was_compiled() {
        let mut policy = Policy::default();
        policy.set(FindingKey::FlagsMissing, Level::Deny);
        let of = |compiled| text(&note(&policy, compiled)).and_then(parse);
        assert_eq!(of(None), None);
        for aligns_calls in [false, true] {
            let compiled = Some(Compiled { aligns_calls, is_direct: !aligns_calls });
            assert_eq!(of(compiled), compiled);
        }
    }

    #[test]
    fn other_notes_are_ignored() {
        let own = note(&Policy::default(), Some(Compiled::default()));
        assert!(text(&own).is_some());
        for at in [0, 8, 12] {
            let mut other = own.clone();
            other[at] ^= 1;
            assert_eq!(text(&other), None);
        }
        for end in 0..own.len() - 4 {
            assert_eq!(text(&own[..end]).and_then(parse), None, "cut at {end}");
        }
        let mut long = own.clone();
        long[4..8].fill(0xff);
        assert_eq!(text(&long), None);
    }
}
