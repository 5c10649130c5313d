//! Sections that the link reserved for stamping.

use crate::elf::image::Image;
use crate::elf::section::Section;

/// A section of which stamping writes every byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserved<'a> {
    pub(super) address: u64,
    /// Its offset in the file.
    pub(super) offset: u64,
    pub(super) data: &'a [u8],
}

/// Why a section cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There are two with this name.
    Twice,
    /// It shares bytes of the file with another section.
    Shared,
    /// It is not aligned, or not where its segment places it.
    Misplaced,
}

impl<'a> Reserved<'a> {
    /// Returns the section with this name, if the link reserved one.
    pub(super) fn find(image: &Image<'a>, name: &str) -> Result<Option<Self>, Unusable> {
        // The runtime's own anchor creates an empty section if nothing was reserved.
        let mut sections = image.sections_named(name).filter(|s| s.size != 0);
        let Some(section) = sections.next() else { return Ok(None) };
        if sections.next().is_some() {
            return Err(Unusable::Twice);
        }
        // If a linker kept the two apart, the runtime looks at the anchor.
        let mut anchors = image.sections_named(name).filter(|s| s.size == 0);
        if anchors.any(|anchor| anchor.address != section.address) {
            return Ok(None);
        }
        // Writing the section must not change anything else.
        let is_shared = |s: &Section<'_>| {
            let is_itself = s.offset == section.offset && s.name == section.name;
            let starts_before_end = s.offset < section.offset.saturating_add(section.size);
            let ends_after_start = s.offset.saturating_add(s.size) > section.offset;
            !is_itself && s.has_bytes() && starts_before_end && ends_after_start
        };
        if image.sections.iter().any(is_shared) {
            return Err(Unusable::Shared);
        }
        let is_placed = section.address % 8 == 0
            && image.offset_of(section.address, section.size) == Some(section.offset);
        let data = image.section_data(section).filter(|_| is_placed && !section.is_code());
        let data = data.ok_or(Unusable::Misplaced)?;
        Ok(Some(Self { address: section.address, offset: section.offset, data }))
    }
}
