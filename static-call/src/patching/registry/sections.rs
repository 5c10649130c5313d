//! Turns the sections that the linker assembled into the sorted arrays of the registry.

use core::any::TypeId;

use super::{Call, Fault, KeyEntry, Label, NONE, Registry, Trampoline, find, label, named::Named};
use crate::layout::{LabelRecord, TableEntry, TrampolineRecord};
use crate::patching::arena::{ALIGNMENT, Arena};
use crate::patching::image::{self, Image, TableFault};
use crate::record::{KEYS, KeyRecord};

/// What the linker and the verifier put into this image, before any of it is checked.
pub(crate) struct Sections {
    pub(crate) keys: &'static [KeyRecord],
    pub(crate) trampolines: &'static [TrampolineRecord],
    pub(crate) labels: &'static [LabelRecord],
    /// Bytes of the table's entries; empty if the table is not trusted.
    entries: &'static [u8],
    table: Result<(), TableFault>,
}

impl Sections {
    /// Finds the sections of the image.
    pub(crate) fn of(image: &Image) -> Self {
        let table = image::table(image);
        Self {
            keys: KEYS.static_slice(),
            trampolines: image::trampoline_records(),
            labels: image::label_records(),
            entries: table.map_or(&[][..], |(_, bytes)| bytes),
            table: table.map(|_| ()),
        }
    }

    /// Returns how many entries the table has for instructions that take steps.
    pub(crate) fn count_in_steps(&self) -> usize {
        let (entries, _) = self.entries.as_chunks();
        let entries = entries.iter().filter_map(TableEntry::from_bytes);
        entries.filter(|entry| entry.grade.takes_steps()).count()
    }

    /// Returns how many entries the table has.
    pub(crate) fn call_count(&self) -> usize {
        self.entries.len() / TableEntry::SIZE
    }
}

impl Registry {
    /// Returns the bytes of the arena that the contents of these sections need.
    pub(crate) fn size(sections: &Sections) -> usize {
        let index = size_of::<u32>();
        sections.keys.len() * (size_of::<KeyEntry>() + size_of::<(Option<TypeId>, u32)>())
            + Named::size(sections.keys.len())
            + sections.trampolines.len() * (size_of::<Trampoline>() + index)
            + sections.call_count() * (size_of::<Call>() + index)
            + sections.labels.len() * (size_of::<Label>() + index)
            + 10 * ALIGNMENT
    }

    /// Reads, checks and sorts the contents of these sections.
    pub(crate) fn read(image: Image, sections: &Sections, arena: &mut Arena) -> Self {
        let named = Named::new(arena, sections.keys);
        let trampolines = arena.slice(sections.trampolines.len(), |i| {
            Trampoline::read(&image, &sections.trampolines[i], sections.keys, &named)
        });
        trampolines.sort_unstable_by_key(|t| (t.key, t.address));
        let trampolines_by_address = by_address(arena, trampolines, |t| t.address);

        let (entries, all) = (sections.entries, sections.keys);
        let calls = arena.slice(sections.call_count(), |i| {
            Call::read(&image, entries, i, all, trampolines, trampolines_by_address)
        });
        separate(calls);
        calls.sort_unstable_by_key(|c| (c.key, c.address));
        let calls_by_address = by_address(arena, calls, |c| c.address);

        let labels = arena.slice(sections.labels.len(), |i| {
            let is_trampoline = |a| find(trampolines, trampolines_by_address, a).is_some();
            Label::read(&image, &sections.labels[i], sections.keys, &named, is_trampoline)
        });
        let kept = label::separate(labels);
        let labels = &mut labels[..kept];
        labels.sort_unstable_by_key(|l| (l.key, l.address));
        let labels_by_address = by_address(arena, labels, |l| l.address);

        let keys = arena.slice(sections.keys.len(), |i| KeyEntry {
            record: &sections.keys[i],
            trampolines: range(trampolines, i as u32, |t| t.key),
            calls: range(calls, i as u32, |c| c.key),
            labels: range(labels, i as u32, |l| l.key),
        });
        let keys_by_type =
            arena.slice(sections.keys.len(), |i| (sections.keys[i].own_type(), i as u32));
        keys_by_type.sort_unstable();
        Self {
            image: Some(image),
            table: sections.table,
            is_whole: is_whole(trampolines, calls, labels),
            keys,
            trampolines,
            calls,
            labels,
            trampolines_by_address,
            calls_by_address,
            labels_by_address,
            keys_by_type,
            sites: named.site_count(),
        }
    }
}

/// Returns whether every trampoline and jump label is known, and every entry's key.
fn is_whole(trampolines: &[Trampoline], calls: &[Call], labels: &[Label]) -> bool {
    let is_right = |fault: Option<Fault>| !fault.is_some_and(Fault::is_of_code);
    trampolines.iter().all(|trampoline| is_right(trampoline.fault))
        && labels.iter().all(|label| is_right(label.fault))
        && calls.iter().all(|call| call.key != NONE || is_right(call.fault))
}

/// Returns the indices of a slice, sorted by address.
fn by_address<T>(
    arena: &mut Arena,
    all: &[T],
    address_of: impl Fn(&T) -> u64,
) -> &'static mut [u32] {
    let indices = arena.slice(all.len(), |i| i as u32);
    indices.sort_unstable_by_key(|&i| address_of(&all[i as usize]));
    indices
}

/// Disables entries that share bytes, of whatever key, except the first: two stores would undo each
/// other.
fn separate(calls: &mut [Call]) {
    calls.sort_unstable_by_key(|call| (call.address, call.key));
    let mut end = 0;
    for call in calls {
        let Some(shape) = call.shape else { continue };
        if call.address < end {
            call.shape = None;
            call.fault = Some(Fault::Overlaps);
        } else {
            end = shape.end();
        }
    }
}

/// Returns the range of one key's elements.
fn range<T>(sorted: &[T], key: u32, key_of: impl Fn(&T) -> u32) -> (u32, u32) {
    let start = sorted.partition_point(|t| key_of(t) < key);
    let end = sorted.partition_point(|t| key_of(t) <= key);
    (start as u32, end as u32)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::layout::{Grade, Kind};
    use crate::patching::plan::{CallShape, Lead};
    use crate::patching::registry::Ungraded;

    /// Entries of one key or of several keep their shapes only where they share no bytes.
    #[test]
    fn entries_that_share_bytes_are_disabled() {
        let call = |address, key| Call {
            address,
            key,
            trampoline: 0,
            kind: Kind::Call,
            grade: Grade::Quad,
            ungraded: Ungraded::Unproved,
            shape: CallShape::new(address, &[232, 0, 0, 0, 0]),
            in_file: Lead::Linked,
            fault: None,
        };
        let all = [(0x1005, 0), (0x1000, 9), (0x100e, 1), (0x100a, 2), (0x1012, 0), (0x1013, 5)];
        let mut calls: Vec<_> = all.into_iter().map(|(at, key)| call(at, key)).collect();
        separate(&mut calls);
        calls.sort_by_key(|call| call.address);
        let found: Vec<_> = calls.iter().map(|c| (c.address, c.fault, c.shape.is_some())).collect();
        let expected = [
            (0x1000, None, true),
            (0x1005, None, true),
            (0x100a, None, true),
            (0x100e, Some(Fault::Overlaps), false),
            (0x1012, None, true),
            (0x1013, Some(Fault::Overlaps), false),
        ];
        assert_eq!(found, expected);
    }
}
