//! The table: reading it, filling it, and the object that brings it into a link.

use static_call::arch::x86_64::Branch;
use static_call::layout::{
    self, TABLE_SECTION, TABLE_VERSION, TableEntry, TableHeader, checksum, image_identity,
};

use crate::findings::Findings;
use crate::image::{Image, Section};
use crate::policy::FindingKey;
use crate::report::{Call, TableState, Trampoline};

/// The table of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    pub(crate) address: u64,
    /// Where it stands in the file.
    pub(crate) offset: u64,
    pub(crate) header: TableHeader,
    entries: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table, if the image has one; `Err` says what is wrong with it.
    pub(crate) fn find(image: &Image<'a>) -> Result<Option<Self>, String> {
        // The runtime's own anchor makes an empty section where no table was linked in.
        let mut sections = image.sections_named(TABLE_SECTION).filter(|s| s.size != 0);
        let Some(section) = sections.next() else { return Ok(None) };
        if sections.next().is_some() {
            return Err("the image has two tables: link one table object only".to_owned());
        }
        // Where a linker kept anchor and table apart, the runtime looks for the table at the anchor.
        let mut anchors = image.sections_named(TABLE_SECTION).filter(|s| s.size == 0);
        if anchors.any(|anchor| anchor.address != section.address) {
            return Ok(None);
        }
        let data = image.section_data(section).unwrap_or_default();
        let header = data.first_chunk().and_then(TableHeader::from_bytes);
        let Some(header) = header else {
            return Err("the table has no header".to_owned());
        };
        let entries = data.get(TableHeader::SIZE..).unwrap_or_default();
        let room = entries.len() / TableEntry::SIZE;
        // Filling it must change nothing else.
        let is_shared = |s: &Section<'_>| {
            let is_itself = s.offset == section.offset && s.name == section.name;
            let starts_before_end = s.offset < section.offset.saturating_add(section.size);
            let ends_after_start = s.offset.saturating_add(s.size) > section.offset;
            !is_itself && s.has_bytes() && starts_before_end && ends_after_start
        };
        if image.sections.iter().any(is_shared) {
            return Err("the table shares its bytes with another section".to_owned());
        }
        let is_whole = usize::try_from(header.capacity).is_ok_and(|c| c <= room)
            && header.count <= header.capacity
            && section.address % 8 == 0
            && image.offset_of(section.address, section.size) == Some(section.offset);
        if !is_whole {
            return Err("the table does not fit its section".to_owned());
        }
        Ok(Some(Self { address: section.address, offset: section.offset, header, entries }))
    }

    fn entry_address(&self, index: usize) -> u64 {
        let offset = TableHeader::SIZE + index * TableEntry::SIZE;
        self.address.wrapping_add(offset as u64)
    }

    /// The bytes of the table with these calls, or `None` where one is out of reach.
    pub(crate) fn fill(
        &self,
        image: &Image<'_>,
        calls: &[Call],
        trampolines: &[Trampoline],
    ) -> Option<Vec<u8>> {
        let mut entries = Vec::with_capacity(calls.len() * TableEntry::SIZE);
        for (i, call) in calls.iter().enumerate() {
            let here = self.entry_address(i);
            let from_here = |a: u64| i32::try_from(a.wrapping_sub(here).cast_signed()).ok();
            let entry = TableEntry {
                instruction: from_here(call.address)?,
                trampoline: from_here(trampolines.get(call.trampoline)?.address)?,
                kind: call.kind,
                grade: call.grade,
                length: call.length,
            };
            entries.extend(entry.to_bytes());
        }
        let header = TableHeader {
            version: TABLE_VERSION,
            capacity: self.header.capacity,
            count: u32::try_from(calls.len()).ok()?,
            identity: identity(image),
            checksum: checksum(&entries),
        };
        // A shorter table than before leaves nothing behind.
        entries.resize(self.header.capacity as usize * TableEntry::SIZE, 0);
        Some([header.to_bytes().as_slice(), &entries].concat())
    }

    /// Whether the table describes this image and these calls.
    pub(crate) fn state(
        &self,
        image: &Image<'_>,
        calls: &[Call],
        trampolines: &[Trampoline],
        findings: &mut Findings<'_>,
    ) -> TableState {
        let TableHeader { version, capacity, count, .. } = self.header;
        let problem = match version {
            0 => return TableState::Empty { capacity },
            TABLE_VERSION => self.problem(image, calls, trampolines),
            _ => {
                let message = format!(
                    "the table has version {version}, this verifier writes version {TABLE_VERSION}: \
                     use one version of static-call for library and verifier"
                );
                findings.add(FindingKey::TableVersion, Some(self.address), None, message);
                return TableState::Stale;
            }
        };
        let Some((address, problem)) = problem else {
            return TableState::Filled { count, capacity };
        };
        let message = format!("{problem}: link the image again");
        findings.add(FindingKey::TableStale, Some(address), None, message);
        TableState::Stale
    }

    fn problem(
        &self,
        image: &Image<'_>,
        calls: &[Call],
        trampolines: &[Trampoline],
    ) -> Option<(u64, &'static str)> {
        let count = usize::try_from(self.header.count).ok()?;
        let filled = self.entries.get(..count * TableEntry::SIZE).unwrap_or_default();
        if self.header.checksum != checksum(filled) {
            return Some((self.address, "the table was changed after it was filled"));
        }
        if self.header.identity != identity(image) {
            return Some((self.address, "the image was rearranged after its table was filled"));
        }
        let mut patchable = Vec::new();
        for (i, bytes) in filled.as_chunks().0.iter().enumerate() {
            let here = self.entry_address(i);
            let Some(entry) = TableEntry::from_bytes(bytes) else {
                return Some((here, "an entry of the table is unreadable"));
            };
            if !entry.grade.is_patchable() {
                continue;
            }
            let at = |d: i32| here.wrapping_add_signed(d.into());
            let (address, trampoline) = (at(entry.instruction), at(entry.trampoline));
            let code =
                image.code_section(address).and_then(|_| image.at(address, entry.length.into()));
            let branch = code.and_then(Branch::decode).filter(|b| {
                b.kind == entry.kind
                    && b.length == entry.length
                    && b.grade(address) == entry.grade
                    && b.destination(address) == trampoline
            });
            let is_known = trampolines
                .binary_search_by_key(&trampoline, |t| t.address)
                .is_ok_and(|t| trampolines.get(t).is_some_and(|t| t.is_sound));
            if branch.is_none() || !is_known {
                return Some((address, "the code is not what the table says"));
            }
            patchable.push(address);
        }
        patchable.sort_unstable();
        let missing =
            calls.iter().find(|c| c.inline && patchable.binary_search(&c.address).is_err());
        missing.map(|c| (c.address, "a call is not in the table"))
    }
}

fn identity(image: &Image<'_>) -> u64 {
    image_identity(image.segments.iter().map(|s| layout::Segment {
        address: s.address,
        size: s.memory_size,
        flags: s.flags,
    }))
}
