//! What is at an address: segments and sections, sorted and without overlap.

use super::section::Section;
use super::segment::Segment;
use crate::sort;

/// Finds segments and sections by address.
#[derive(Debug, Default)]
pub(crate) struct Places<'a> {
    segments: Vec<Segment>,
    sections: Vec<Section<'a>>,
}

impl<'a> Places<'a> {
    /// Sorts segments, and those `sections` that have bytes both in memory and in the file. `Err`
    /// says what is wrong with them. Contradictory ones are left out.
    pub(crate) fn new(
        segments: &[Segment],
        sections: impl Iterator<Item = Section<'a>>,
    ) -> (Self, Result<(), String>) {
        let mut problem = Ok(());
        let mut sorted: Vec<Segment> =
            segments.iter().filter(|s| s.memory_size != 0).copied().collect();
        sort::by_key(&mut sorted, |s| [s.address, 0]);
        // The sums do not wrap: `Image::parse` has checked them.
        if let Some(w) = sorted.windows(2).find(|w| w[0].address + w[0].memory_size > w[1].address)
        {
            problem = Err(format!("two segments overlap at {:#x}", w[1].address));
        }
        // Rewriting bytes in one of the two would also change the other.
        let mut in_file: Vec<&Segment> = sorted.iter().filter(|s| s.file_size != 0).collect();
        sort::by_key(&mut in_file, |s| [s.offset, 0]);
        let mut pairs = in_file.windows(2);
        if let Some(w) = pairs.find(|w| w[0].offset.saturating_add(w[0].file_size) > w[1].offset) {
            let message = format!("two segments share the bytes at {:#x} of the file", w[1].offset);
            problem = problem.and(Err(message));
        }
        let mut places = Self { segments: sorted, sections: Vec::new() };
        let mut sorted: Vec<Section<'a>> = sections.collect();
        sort::by_key(&mut sorted, |s| [s.address, 0]);
        let mut end = 0;
        for s in sorted {
            let name = || String::from_utf8_lossy(s.name).into_owned();
            if s.address < end {
                problem = problem
                    .and_then(|()| Err(format!("the section `{}` overlaps another", name())));
            } else if places.offset_of(s.address, s.size) != Some(s.offset) {
                let message =
                    format!("the section `{}` is not where its segment places it", name());
                problem = problem.and(Err(message));
            } else {
                end = s.address + s.size;
                places.sections.push(s);
            }
        }
        (places, problem)
    }

    /// Returns the segment around an address.
    pub(crate) fn segment(&self, address: u64) -> Option<&Segment> {
        let after = sort::place(&self.segments, address.saturating_add(1), |s| s.address);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        (address - segment.address < segment.memory_size).then_some(segment)
    }

    /// Returns the section around an address.
    pub(crate) fn section(&self, address: u64) -> Option<&Section<'a>> {
        let after = sort::place(&self.sections, address.saturating_add(1), |s| s.address);
        self.sections.get(after.checked_sub(1)?).filter(|s| s.contains(address))
    }

    /// Returns all sections, by address.
    pub(crate) fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// Returns the file offset of `size` bytes at an address.
    pub(crate) fn offset_of(&self, address: u64, size: u64) -> Option<u64> {
        let segment = self.segment(address)?;
        let into = address - segment.address;
        (into.checked_add(size)? <= segment.file_size).then(|| segment.offset + into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(address: u64, memory_size: u64, offset: u64, file_size: u64) -> Segment {
        Segment { address, memory_size, file_size, offset, flags: 5 }
    }

    fn section(address: u64, offset: u64, size: u64) -> Section<'static> {
        Section { name: b"s", kind: 1, flags: 6, address, offset, size, link: 0 }
    }

    #[test]
    fn by_address() {
        let segments = [segment(0x3000, 0x100, 0x200, 0x80), segment(0x1000, 0x100, 0, 0x100)];
        let sections = [section(0x3000, 0x200, 0x10), section(0x1010, 0x10, 0x20)];
        let (places, problem) = Places::new(&segments, sections.into_iter());
        assert_eq!(problem, Ok(()));
        assert_eq!(places.section(0x1010).map(|s| s.offset), Some(0x10));
        assert_eq!(places.section(0x302f).map(|s| s.offset), None);
        assert_eq!(places.section(0xfff).map(|s| s.offset), None);
        assert_eq!(places.segment(0x30ff).map(|s| s.offset), Some(0x200));
        assert!(places.segment(0x3100).is_none() && places.segment(u64::MAX).is_none());
        assert_eq!(places.offset_of(0x1001, 0xff), Some(1));
        assert_eq!(places.offset_of(0x1001, 0x100), None, "past the end of the segment");
        assert_eq!(places.offset_of(0x3080, 1), None, "in memory, not in the file");
        assert_eq!(places.offset_of(0x1001, u64::MAX), None);
    }

    #[test]
    fn contradictions() {
        let one = segment(0x1000, 0x100, 0, 0x100);
        let problem = |segments: &[Segment], sections: &[Section<'static>]| {
            Places::new(segments, sections.iter().copied()).1.unwrap_err()
        };
        let overlap = problem(&[one, segment(0x10ff, 1, 0, 1)], &[]);
        assert!(overlap.contains("segments overlap"), "{overlap}");
        let shared = problem(&[one, segment(0x2000, 0x100, 0xff, 0x100)], &[]);
        assert!(shared.contains("at 0xff of the file"), "{shared}");
        let overlap = problem(&[one], &[section(0x1000, 0, 8), section(0x1007, 7, 8)]);
        assert!(overlap.contains("overlaps another"), "{overlap}");
        for elsewhere in [section(0x1000, 1, 8), section(0x10ff, 0xff, 2), section(u64::MAX, 0, 2)]
        {
            let moved = problem(&[one], &[elsewhere]);
            assert!(moved.contains("not where its segment places it"), "{moved}");
        }
    }
}
