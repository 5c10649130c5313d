//! Every key, trampoline and call instruction of the image, checked and sorted once.
//!
//! Built at the first use, under the lock, without a look at the call path. It lives in memory of
//! its own: the allocator may be a static call's target, and nothing here may call it.

use core::any::TypeId;
use core::mem::size_of;
use core::ops::Range;
use core::ptr::from_ref;

use crate::layout::{Grade, Kind, TableEntry};
use crate::patching::arena::{Arena, Memory};
use crate::patching::cap::Cap;
use crate::patching::image::{self, Image, TableFault};
use crate::patching::plan::{CallShape, Change, Lead, Wish};
use crate::record::{KeyRecord, STATIC_CALL_0_1_KEYS};
use crate::site::SiteRecord;
use crate::sys::{self, Protection};
use crate::target::Chosen;

mod label;
mod named;
mod read;

pub(crate) use label::Label;
use named::Named;
pub(crate) use read::Ungraded;
use read::probe;

/// An index that names nothing.
pub(crate) const NONE: u32 = u32::MAX;

/// A key and what belongs to it.
pub(crate) struct KeyState {
    pub(crate) record: &'static KeyRecord,
    /// The target that the batch at hand gives it, if it is about this key.
    pub(crate) wanted: Option<Chosen>,
    /// What that asks of its code, once the batch is planned.
    pub(crate) wish: Option<Wish>,
    /// Its call instructions follow its target.
    pub(crate) bound: bool,
    trampolines: (u32, u32),
    calls: (u32, u32),
    labels: (u32, u32),
}

impl KeyState {
    /// Its trampolines, as a range of [`Registry::trampolines`].
    pub(crate) fn trampolines(&self) -> Range<usize> {
        self.trampolines.0 as usize..self.trampolines.1 as usize
    }

    /// Its call instructions, as a range of [`Registry::calls`].
    pub(crate) fn calls(&self) -> Range<usize> {
        self.calls.0 as usize..self.calls.1 as usize
    }

    /// Its jump labels, as a range of [`Registry::labels`].
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
    /// Its bytes as linked.
    pub(crate) linked: u64,
    /// Its bytes as this runtime last wrote them.
    pub(crate) now: u64,
    pub(crate) fault: Option<Fault>,
}

/// An instruction that names a trampoline, as the table has it.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) address: u64,
    pub(crate) key: u32,
    /// Index of its trampoline.
    pub(crate) trampoline: u32,
    pub(crate) kind: Kind,
    pub(crate) grade: Grade,
    /// Why a branch has no grade; means nothing of one that has.
    pub(crate) ungraded: Ungraded,
    /// What may be patched, if anything.
    pub(crate) shape: Option<CallShape>,
    /// Where it leads, as this runtime last wrote it.
    pub(crate) lead: Lead,
    pub(crate) fault: Option<Fault>,
}

/// Why a record or an entry is not trusted; it is left alone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not lie in this image's code, or not aligned.
    NotCode,
    /// It names a trampoline or a key that does not exist.
    Unknown,
    /// Its key lives in another image.
    OtherImage,
    /// The bytes there are not what was recorded.
    Bytes,
    /// The table holds something that is not an entry.
    Malformed,
    /// It shares bytes with the entry before it.
    Overlaps,
}

/// Whether code can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patching {
    /// It can.
    Works,
    /// `STATIC_CALL=indirect`.
    Capped,
    /// `mprotect` refused it, with this `errno`.
    Refused(i32),
    /// The image's program headers are not in memory.
    NoHeaders,
    /// There is no memory for the registry: this `errno` of `mmap`.
    NoMemory(i32),
}

/// The registry. Only the holder of the lock has one.
pub(crate) struct Registry {
    pub(crate) image: Option<Image>,
    /// Where everything below is.
    pub(crate) memory: Option<Memory>,
    pub(crate) patching: Patching,
    /// Whether the barrier can be had, or the `errno` of registering it.
    pub(crate) barrier: Result<(), i32>,
    pub(crate) cap: Cap,
    pub(crate) table: Result<(), TableFault>,
    pub(crate) keys: &'static mut [KeyState],
    /// Sorted by key, then address.
    pub(crate) trampolines: &'static mut [Trampoline],
    /// Sorted by key, then address; entries of no known key last.
    pub(crate) calls: &'static mut [Call],
    /// Sorted by key, then address; those of no known key last.
    pub(crate) labels: &'static mut [Label],
    /// Indices of `trampolines` by address.
    trampolines_by_address: &'static mut [u32],
    /// Indices of `calls` by address.
    calls_by_address: &'static mut [u32],
    /// Indices of `labels` by address.
    labels_by_address: &'static mut [u32],
    /// Indices of `keys` by the type of the function that callers use.
    keys_by_type: &'static mut [(TypeId, u32)],
    /// How many keys of other images were updated.
    pub(crate) foreign_keys: usize,
    /// How many sites this image describes, dead ones included.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "for reports"))]
    pub(crate) sites: usize,
    /// Room for a batch: one store per trampoline, jump label and call instruction.
    pub(crate) pending: &'static mut [Pending],
    /// Room for the page runs of a batch.
    pub(crate) runs: &'static mut [Run],
    /// The `errno` of the last page that could not be opened after patching had worked, unless
    /// pages could be opened since.
    pub(crate) lost_permission: Option<i32>,
    /// The last pages that could not be closed, unless pages could be closed since.
    pub(crate) pages_left_open: usize,
}

/// A store to be made, and what it means when it is.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) change: Change,
    pub(crate) subject: Subject,
}

/// Whose bytes a store changes.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    /// Index of a trampoline.
    Trampoline(usize),
    /// Index of a call instruction, and where it leads afterwards.
    Call(usize, Lead),
    /// Index of a jump label, and whether it is a no-op afterwards.
    Label(usize, bool),
}

/// Consecutive pages of one segment.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) address: usize,
    pub(crate) length: usize,
    pub(crate) protection: Protection,
}

impl Registry {
    /// Collects, checks, sorts, and tries whether code can be patched.
    pub(crate) fn build(cap: Cap) -> Self {
        let records = STATIC_CALL_0_1_KEYS.static_slice();
        let Some(image) = Image::this() else {
            return Self::bare(cap, Patching::NoHeaders);
        };
        let trampoline_records = image::trampoline_records();
        let table = image::table(&image);
        let entries = table.map_or(&[][..], |(_, bytes)| bytes);
        let call_count = entries.len() / TableEntry::SIZE;
        let hook_records = image::hook_records();
        let change_count = trampoline_records.len() + call_count + hook_records.len();
        let size = records.len() * (size_of::<KeyState>() + size_of::<(TypeId, u32)>())
            + Named::size(records.len())
            + trampoline_records.len() * (size_of::<Trampoline>() + 4)
            + call_count * (size_of::<Call>() + 4)
            + hook_records.len() * (size_of::<Label>() + 4)
            + change_count * (size_of::<Pending>() + size_of::<Run>())
            + 11 * 64;
        let mut arena = match Arena::new(size) {
            Ok(arena) => arena,
            Err(errno) => return Self::bare(cap, Patching::NoMemory(errno)),
        };

        let memory = arena.memory();
        let named = Named::new(&mut arena, records);
        let trampolines = arena.slice(trampoline_records.len(), |i| {
            Trampoline::read(&image, &trampoline_records[i], &named)
        });
        trampolines.sort_unstable_by_key(|t| (t.key, t.address));
        let trampolines_by_address = arena.slice(trampolines.len(), |i| i as u32);
        trampolines_by_address.sort_unstable_by_key(|&i| trampolines[i as usize].address);
        let calls = arena.slice(call_count, |i| {
            Call::read(&image, entries, i, trampolines, trampolines_by_address)
        });
        calls.sort_unstable_by_key(|c| (c.key, c.address));
        separate(calls);
        let calls_by_address = arena.slice(calls.len(), |i| i as u32);
        calls_by_address.sort_unstable_by_key(|&i| calls[i as usize].address);
        let labels = arena.slice(hook_records.len(), |i| {
            let is_trampoline = |a| find(trampolines, trampolines_by_address, a).is_some();
            Label::read(&image, &hook_records[i], &named, is_trampoline)
        });
        let kept = label::separate(labels);
        let labels = &mut labels[..kept];
        labels.sort_unstable_by_key(|l| (l.key, l.address));
        let labels_by_address = arena.slice(labels.len(), |i| i as u32);
        labels_by_address.sort_unstable_by_key(|&i| labels[i as usize].address);
        let keys = arena.slice(records.len(), |i| KeyState {
            record: &records[i],
            wanted: None,
            wish: None,
            bound: false,
            trampolines: range(trampolines, i as u32, |t| t.key),
            calls: range(calls, i as u32, |c| c.key),
            labels: range(labels, i as u32, |l| l.key),
        });
        let keys_by_type = arena.slice(records.len(), |i| (records[i].own_type(), i as u32));
        keys_by_type.sort_unstable();
        let no_change = Change {
            address: 0,
            length: 0,
            old: [0; 8],
            new: [0; 8],
            width: crate::patching::plan::Width::Quadword,
        };
        let pending = arena.slice(change_count, |_| Pending {
            change: no_change,
            subject: Subject::Trampoline(0),
        });
        let runs = arena.slice(change_count, |_| Run {
            address: 0,
            length: 0,
            protection: Protection::OPEN,
        });

        let (patching, pages_left_open) = match cap {
            Cap::Indirect => (Patching::Capped, 0),
            _ => probe(&image, trampolines, labels),
        };
        let barrier = match patching {
            Patching::Works => sys::register_barrier(),
            _ => Ok(()),
        };
        Self {
            image: Some(image),
            memory: Some(memory),
            patching,
            barrier,
            cap,
            table: table.map(|_| ()),
            keys,
            trampolines,
            calls,
            labels,
            trampolines_by_address,
            calls_by_address,
            labels_by_address,
            keys_by_type,
            foreign_keys: 0,
            sites: named.site_count(),
            pending,
            runs,
            lost_permission: None,
            pages_left_open,
        }
    }

    /// A registry of nothing: every key keeps to its slot.
    fn bare(cap: Cap, patching: Patching) -> Self {
        Self {
            image: None,
            memory: None,
            patching,
            barrier: Ok(()),
            cap,
            table: Err(TableFault::Absent),
            keys: &mut [],
            trampolines: &mut [],
            calls: &mut [],
            labels: &mut [],
            trampolines_by_address: &mut [],
            calls_by_address: &mut [],
            labels_by_address: &mut [],
            keys_by_type: &mut [],
            foreign_keys: 0,
            sites: 0,
            pending: &mut [],
            runs: &mut [],
            lost_permission: None,
            pages_left_open: 0,
        }
    }

    /// The index of a key, unless it belongs to another image or the registry is bare.
    pub(crate) fn key_of(&self, record: &'static KeyRecord) -> Option<usize> {
        let first = self.keys.first()?.record;
        let offset = from_ref(record).addr().checked_sub(from_ref(first).addr())?;
        let index = offset / size_of::<KeyRecord>();
        (offset % size_of::<KeyRecord>() == 0 && index < self.keys.len()).then_some(index)
    }

    /// The key whose callers use a function of this type.
    pub(crate) fn key_named(&self, named: TypeId) -> Option<&'static KeyRecord> {
        let found = self.keys_by_type.binary_search_by_key(&named, |&(of_type, _)| of_type).ok()?;
        Some(self.keys[self.keys_by_type[found].1 as usize].record)
    }

    /// The trampoline that starts at `address`.
    pub(crate) fn trampoline_at(&self, address: u64) -> Option<&Trampoline> {
        find(self.trampolines, self.trampolines_by_address, address)
            .map(|i| &self.trampolines[i as usize])
    }

    /// The recorded call instruction that starts at `address`.
    pub(crate) fn call_at(&self, address: u64) -> Option<&Call> {
        let by_address = &self.calls_by_address;
        let at = by_address.partition_point(|&i| self.calls[i as usize].address < address);
        let call = &self.calls[*by_address.get(at)? as usize];
        (call.address == address).then_some(call)
    }

    /// Whether a recorded jump label starts at `address`.
    pub(crate) fn is_label(&self, address: u64) -> bool {
        let address_of = |&i: &u32| self.labels[i as usize].address;
        self.labels_by_address.binary_search_by_key(&address, address_of).is_ok()
    }
}

/// Takes entries that share bytes out of use, but for the first: two stores would undo each other.
fn separate(calls: &mut [Call]) {
    let mut end = 0;
    for call in calls {
        let Some(shape) = call.shape else { continue };
        if call.address < end && end - call.address < 8 {
            call.shape = None;
            call.fault = Some(Fault::Overlaps);
        } else {
            end = call.address + u64::from(shape.branch.length);
        }
    }
}

fn range<T>(sorted: &[T], key: u32, key_of: impl Fn(&T) -> u32) -> (u32, u32) {
    let start = sorted.partition_point(|t| key_of(t) < key);
    let end = sorted.partition_point(|t| key_of(t) <= key);
    (start as u32, end as u32)
}

fn find(trampolines: &[Trampoline], by_address: &[u32], address: u64) -> Option<u32> {
    let at = by_address.partition_point(|&i| trampolines[i as usize].address < address);
    let &index = by_address.get(at)?;
    (trampolines[index as usize].address == address).then_some(index)
}
