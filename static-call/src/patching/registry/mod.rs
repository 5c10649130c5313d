//! Facts of the image: every key, trampoline, call instruction and jump label, checked and sorted
//! once. Nothing here changes after [`Registry::read`].

use core::any::TypeId;
use core::ops::Range;
use core::ptr::from_ref;

use crate::layout::{Grade, Kind};
use crate::patching::image::{Image, TableFault};
use crate::patching::plan::{CallShape, Lead};
use crate::record::{KEYS, KeyRecord};
use crate::site::SiteRecord;

mod label;
mod named;
mod read;
mod sections;

pub(crate) use label::Label;
pub(crate) use read::Ungraded;
pub(crate) use sections::Sections;

/// The index of nothing.
pub(crate) const NONE: u32 = u32::MAX;

/// A key and what belongs to it.
pub(crate) struct KeyEntry {
    pub(crate) record: &'static KeyRecord,
    trampolines: (u32, u32),
    calls: (u32, u32),
    labels: (u32, u32),
}

impl KeyEntry {
    /// Returns its trampolines, as a range of [`Registry::trampolines`].
    pub(crate) fn trampolines(&self) -> Range<usize> {
        self.trampolines.0 as usize..self.trampolines.1 as usize
    }

    /// Returns its call instructions, as a range of [`Registry::calls`].
    pub(crate) fn calls(&self) -> Range<usize> {
        self.calls.0 as usize..self.calls.1 as usize
    }

    /// Returns its jump labels, as a range of [`Registry::labels`].
    pub(crate) fn labels(&self) -> Range<usize> {
        self.labels.0 as usize..self.labels.1 as usize
    }
}

/// A trampoline instance.
#[derive(Clone, Copy)]
pub(crate) struct Trampoline {
    pub(crate) address: u64,
    pub(crate) key: u32,
    pub(crate) site: Option<&'static SiteRecord>,
    /// Its bytes as linked: a jump to the stub.
    pub(crate) linked: u64,
    /// Its bytes in the file: as linked, or a jump to the default.
    pub(crate) in_file: u64,
    pub(crate) fault: Option<Fault>,
}

/// An instruction that names a trampoline, as recorded in the table.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) address: u64,
    pub(crate) key: u32,
    /// Index of its trampoline.
    pub(crate) trampoline: u32,
    pub(crate) kind: Kind,
    pub(crate) grade: Grade,
    /// Why a branch has no grade. Meaningless if it has one.
    pub(crate) ungraded: Ungraded,
    /// The shape if the instruction may be patched: the code agrees with the table (INV-STORE).
    pub(crate) shape: Option<CallShape>,
    /// Where it leads in the file: as linked, or to the default.
    pub(crate) in_file: Lead,
    pub(crate) fault: Option<Fault>,
}

/// Why a record or an entry is not trusted. Its code is never patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not lie in this image's code, or is not aligned.
    NotCode,
    /// It names a trampoline or a key that does not exist.
    Unknown,
    /// Its key is in another image.
    OtherImage,
    /// The linker dropped its code: GNU ld and mold keep the record, with a null address.
    Dropped,
    /// The bytes there are not what was recorded.
    Bytes,
    /// It is not a valid entry of the table.
    Malformed,
    /// It shares bytes with another entry or label.
    Overlaps,
}

impl Fault {
    /// Returns whether this is a fault of code of this image.
    fn is_of_code(self) -> bool {
        !matches!(self, Self::OtherImage | Self::Dropped)
    }
}

/// The facts of an image.
pub(crate) struct Registry {
    pub(crate) image: Option<Image>,
    pub(crate) table: Result<(), TableFault>,
    /// Whether every trampoline and jump label is known, and every entry's key. If not, the code of
    /// any key may be incomplete here.
    pub(crate) is_whole: bool,
    /// In link order, like their records.
    pub(crate) keys: &'static [KeyEntry],
    /// Sorted by key, then address.
    pub(crate) trampolines: &'static [Trampoline],
    /// Sorted by key, then address; entries without a known key come last.
    pub(crate) calls: &'static [Call],
    /// Sorted by key, then address; labels without a known key come last.
    pub(crate) labels: &'static [Label],
    /// Indices of `trampolines` by address.
    trampolines_by_address: &'static [u32],
    /// Indices of `calls` by address.
    calls_by_address: &'static [u32],
    /// Indices of `labels` by address.
    labels_by_address: &'static [u32],
    /// Indices of `keys` by the type of the function that callers use.
    keys_by_type: &'static [(Option<TypeId>, u32)],
    /// Number of sites that this image describes, including dead ones.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "for reports"))]
    pub(crate) sites: usize,
}

impl Registry {
    /// Returns the registry of no image.
    pub(crate) fn bare() -> Self {
        Self {
            image: None,
            table: Err(TableFault::Absent),
            is_whole: false,
            keys: &[],
            trampolines: &[],
            calls: &[],
            labels: &[],
            trampolines_by_address: &[],
            calls_by_address: &[],
            labels_by_address: &[],
            keys_by_type: &[],
            sites: 0,
        }
    }

    /// Returns the index of a key, unless it belongs to another image or the registry is bare.
    pub(crate) fn key_of(&self, record: &'static KeyRecord) -> Option<usize> {
        let first = self.keys.first()?.record;
        let offset = from_ref(record).addr().checked_sub(from_ref(first).addr())?;
        let index = offset / size_of::<KeyRecord>();
        (offset % size_of::<KeyRecord>() == 0 && index < self.keys.len()).then_some(index)
    }

    /// Returns the key whose function item has this type.
    pub(crate) fn key_named(&self, named: TypeId) -> Option<&'static KeyRecord> {
        if self.image.is_none() {
            // Keys that nothing is known about follow their slots, and can call themselves, too.
            return KEYS.static_slice().iter().find(|key| key.own_type() == Some(named));
        }
        let found = self.keys_by_type.binary_search_by_key(&Some(named), |&(of_type, _)| of_type);
        Some(self.keys[self.keys_by_type[found.ok()?].1 as usize].record)
    }

    /// Returns the trampoline that starts at `address`.
    pub(crate) fn trampoline_at(&self, address: u64) -> Option<&Trampoline> {
        find(self.trampolines, self.trampolines_by_address, address)
            .map(|i| &self.trampolines[i as usize])
    }

    /// Returns the recorded call instruction that starts at `address`.
    pub(crate) fn call_at(&self, address: u64) -> Option<&Call> {
        let by_address = &self.calls_by_address;
        let at = by_address.partition_point(|&i| self.calls[i as usize].address < address);
        let call = &self.calls[*by_address.get(at)? as usize];
        (call.address == address).then_some(call)
    }

    /// Returns whether a recorded jump label starts at `address`.
    pub(crate) fn is_label(&self, address: u64) -> bool {
        let address_of = |&i: &u32| self.labels[i as usize].address;
        self.labels_by_address.binary_search_by_key(&address, address_of).is_ok()
    }
}

fn find(trampolines: &[Trampoline], by_address: &[u32], address: u64) -> Option<u32> {
    let at = by_address.partition_point(|&i| trampolines[i as usize].address < address);
    let &index = by_address.get(at)?;
    (trampolines[index as usize].address == address).then_some(index)
}

#[cfg(test)]
impl Registry {
    /// Returns a registry of these keys and call instructions, without an image.
    pub(crate) fn of(records: &'static [KeyRecord], mut calls: std::vec::Vec<Call>) -> Self {
        calls.sort_by_key(|call| (call.key, call.address));
        let range = |key| {
            let start = calls.partition_point(|call| call.key < key);
            let end = calls.partition_point(|call| call.key <= key);
            (start as u32, end as u32)
        };
        let keys = records.iter().zip(0..).map(|(record, key)| {
            let (trampolines, labels) = ((0, 0), (0, 0));
            KeyEntry { record, trampolines, calls: range(key), labels }
        });
        let keys = keys.collect::<std::vec::Vec<_>>().leak();
        let mut by_address: std::vec::Vec<u32> = (0..calls.len() as u32).collect();
        by_address.sort_by_key(|&i| calls[i as usize].address);
        let calls_by_address = by_address.leak();
        Self { keys, calls: calls.leak(), calls_by_address, ..Self::bare() }
    }

    /// Returns the registry with this label only.
    pub(crate) fn with_label(self, label: Label) -> Self {
        let labels = std::vec![label].leak();
        Self { labels, labels_by_address: std::vec![0].leak(), ..self }
    }
}
