//! Reads and fills the table, and makes the object that brings it into a link.

#[cfg(unix)]
pub(crate) mod capacity;
pub(crate) mod got;
pub(crate) mod inputs;
pub(crate) mod note;
pub(crate) mod object;
#[cfg(unix)]
mod objects;
pub(crate) mod places;
mod reserved;

use static_call::arch::x86_64::Branch;
use static_call::layout::{
    RUNTIME_SECTION, TABLE_SECTION, TABLE_VERSION, TableEntry, TableHeader, checksum,
};

use crate::elf::image::Image;
use crate::findings::Findings;
use crate::policy::FindingKey;
use crate::report::{Call, TableState, Trampoline};
use crate::table::reserved::{Reserved, Unusable};

/// The table of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    pub(crate) address: u64,
    /// Its offset in the file.
    pub(crate) offset: u64,
    pub(crate) header: TableHeader,
    entries: &'a [u8],
}

impl<'a> Table<'a> {
    /// Returns the table if the image has one; `Err` says what is wrong with it.
    pub(crate) fn find(image: &Image<'a>) -> Result<Option<Self>, &'static str> {
        let Reserved { address, offset, data } = match Reserved::find(image, TABLE_SECTION) {
            Ok(Some(reserved)) => reserved,
            Ok(None) => return Ok(None),
            Err(Unusable::Twice) => {
                return Err("the image has two tables: link only one table object");
            }
            Err(Unusable::Shared) => return Err("the table shares its bytes with another section"),
            Err(Unusable::Misplaced) => return Err("the table does not fit its section"),
        };
        let header = data.first_chunk().and_then(TableHeader::from_bytes);
        let header = header.ok_or("the table has no header")?;
        let entries = data.get(TableHeader::SIZE..).unwrap_or_default();
        let is_whole = header.count <= header.capacity
            && usize::try_from(header.count).is_ok_and(|c| c <= entries.len() / TableEntry::SIZE);
        if !is_whole {
            return Err("the table does not fit its section");
        }
        Ok(Some(Self { address, offset, header, entries }))
    }

    fn entry_address(&self, index: usize) -> u64 {
        let offset = TableHeader::SIZE + index * TableEntry::SIZE;
        self.address.wrapping_add(offset as u64)
    }

    /// Returns the bytes of the table with these calls, or `None` if one is out of reach.
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
            identity: image.identity(),
            checksum: checksum(&entries),
        };
        // If the table gets shorter, nothing of the old one remains.
        let mut table =
            vec![0; TableHeader::SIZE + self.header.capacity as usize * TableEntry::SIZE];
        let (head, rest) = table.split_at_mut_checked(TableHeader::SIZE)?;
        head.copy_from_slice(&header.to_bytes());
        rest.get_mut(..entries.len())?.copy_from_slice(&entries);
        Some(table)
    }

    /// Returns the address of each branch that is listed as one that can be rewritten, that of its
    /// trampoline, and its entry. Nothing is checked.
    pub(crate) fn branches(&self) -> impl Iterator<Item = (u64, u64, TableEntry)> {
        let count = usize::try_from(self.header.count).unwrap_or_default();
        let filled = self.entries.as_chunks().0.iter().take(count).enumerate();
        filled.filter_map(|(i, bytes)| {
            let entry = TableEntry::from_bytes(bytes)?;
            let at = |d: i32| self.entry_address(i).wrapping_add_signed(d.into());
            let is_branch = entry.kind.is_direct() && entry.grade.is_patchable();
            is_branch.then(|| (at(entry.instruction), at(entry.trampoline), entry))
        })
    }

    /// Returns whether its section has the room that its header states.
    pub(crate) fn has_room(&self) -> bool {
        let room = self.entries.len() / TableEntry::SIZE;
        usize::try_from(self.header.capacity).is_ok_and(|capacity| capacity <= room)
    }

    /// Returns whether the table matches this image and these calls, and the addresses (sorted) of
    /// what the runtime will rewrite. The runtime makes the same checks of the table and of each
    /// entry (`image.rs` and `registry/read.rs` of static-call).
    pub(crate) fn state(
        &self,
        image: &Image<'_>,
        calls: &[Call],
        trampolines: &[Trampoline],
        findings: &mut Findings<'_>,
    ) -> (TableState, Vec<u64>) {
        let TableHeader { version, capacity, count, .. } = self.header;
        let (listed, problem) = match version {
            0 => return (TableState::Empty { capacity }, Vec::new()),
            TABLE_VERSION if image.sections_named(RUNTIME_SECTION).next().is_none() => {
                let message = "the runtime is in another image and does not read this table, so \
                               the calls here go through the slot";
                findings.add(FindingKey::TableUnread, Some(self.address), None, message.to_owned());
                return (TableState::Unread, Vec::new());
            }
            TABLE_VERSION => self.listed(image, calls, trampolines),
            _ => {
                let message = format!(
                    "the table has version {version}, but this verifier writes version \
                     {TABLE_VERSION}: use one version of static-call for library and verifier"
                );
                findings.add(FindingKey::TableVersion, Some(self.address), None, message);
                return (TableState::Stale, Vec::new());
            }
        };
        let Some((address, problem)) = problem else {
            return (TableState::Filled { count, capacity }, listed);
        };
        let message = format!("{problem}: link the image again");
        findings.add(FindingKey::TableStale, Some(address), None, message);
        (TableState::Stale, listed)
    }

    /// Returns what can be rewritten according to the table, and the first problem with it.
    fn listed(
        &self,
        image: &Image<'_>,
        calls: &[Call],
        trampolines: &[Trampoline],
    ) -> (Vec<u64>, Option<(u64, &'static str)>) {
        let count = usize::try_from(self.header.count).unwrap_or_default();
        let filled = self.entries.get(..count * TableEntry::SIZE).unwrap_or_default();
        let mut listed = Vec::new();
        if self.header.checksum != checksum(filled) {
            return (listed, Some((self.address, "the table was changed after it was filled")));
        }
        if self.header.identity != image.identity() {
            let problem = "the image was rearranged after its table was filled";
            return (listed, Some((self.address, problem)));
        }
        let mut problem =
            (!self.has_room()).then_some((self.address, "the table does not fit its section"));
        for (i, bytes) in filled.as_chunks().0.iter().enumerate() {
            let here = self.entry_address(i);
            match TableEntry::from_bytes(bytes) {
                None => {
                    problem = problem.or(Some((here, "an entry of the table cannot be read")));
                }
                Some(entry) if !entry.grade.is_patchable() => {}
                Some(entry) => {
                    let address = here.wrapping_add_signed(entry.instruction.into());
                    if is_right(image, here, &entry, trampolines) {
                        listed.push(address);
                    } else {
                        let what = "the code does not match the table";
                        problem = problem.or(Some((address, what)));
                    }
                }
            }
        }
        listed.sort_unstable();
        let is_listed = |c: &&Call| listed.binary_search(&c.address).is_ok();
        let missing = calls.iter().find(|c| c.inline && !is_listed(c));
        let missing = missing.map(|c| (c.address, "a call is not in the table"));
        let wrong = calls.iter().find(|c| !c.inline && is_listed(c));
        let wrong = wrong
            .map(|c| (c.address, "the table lists an address that is not proved to be a call"));
        let problem = problem.or(missing).or(wrong);
        (listed, problem)
    }
}

/// Returns whether an entry at `here`, of a call that can be rewritten, matches the code.
fn is_right(image: &Image<'_>, here: u64, entry: &TableEntry, trampolines: &[Trampoline]) -> bool {
    let at = |d: i32| here.wrapping_add_signed(d.into());
    let (address, trampoline) = (at(entry.instruction), at(entry.trampoline));
    let code = image.code_section(address).and_then(|_| image.at(address, entry.length.into()));
    let is_branch = code.and_then(Branch::decode).is_some_and(|b| {
        b.kind == entry.kind
            && b.length == entry.length
            && b.grade(address) == entry.grade
            && b.destination(address) == trampoline
    });
    let is_known = trampolines
        .binary_search_by_key(&trampoline, |t| t.address)
        .is_ok_and(|t| trampolines.get(t).is_some_and(|t| t.is_sound));
    is_branch && is_known
}
