//! Every key, trampoline and call instruction of the image, checked and sorted once.
//!
//! Built at the first use, under the lock, without a look at the call path. It lives in memory of
//! its own: the allocator may be a static call's target, and nothing here may call it.

use core::mem::size_of;
use core::ops::Range;
use core::ptr::from_ref;

use crate::arena::Arena;
use crate::arch::x86_64::{Branch, JMP_MEMORY_LENGTH, decode_jmp_memory};
use crate::cap::Cap;
use crate::image::{self, Image, TableFault};
use crate::key::{KeyRecord, STATIC_CALL_0_1_KEYS};
use crate::target::TargetRecord;
use crate::layout::{Form, Grade, Kind, TableEntry, TrampolineRecord};
use crate::plan::{CallShape, Change, Lead};
use crate::site::SiteRecord;
use crate::sys::{self, Protection};

/// An index that names nothing.
pub(crate) const NONE: u32 = u32::MAX;

/// A key and what belongs to it.
pub(crate) struct KeyState {
    pub(crate) record: &'static KeyRecord,
    /// The target that the batch at hand gives it, if it is about this key.
    pub(crate) wanted: Option<&'static TargetRecord>,
    /// Its call instructions follow its target.
    pub(crate) bound: bool,
    trampolines: (u32, u32),
    calls: (u32, u32),
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
    /// The bytes there are not what was recorded.
    Bytes,
    /// The table holds something that is not an entry.
    Malformed,
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
    /// Indices of `trampolines` by address.
    trampolines_by_address: &'static mut [u32],
    /// Indices of `calls` by address.
    calls_by_address: &'static mut [u32],
    /// Room for a batch: one store per trampoline and call instruction.
    pub(crate) pending: &'static mut [Pending],
    /// Room for the page runs of a batch.
    pub(crate) runs: &'static mut [Run],
    /// The `errno` of the last page that could not be opened after patching had worked.
    pub(crate) lost_permission: Option<i32>,
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
        let change_count = trampoline_records.len() + call_count;
        let size = records.len() * (size_of::<KeyState>() + size_of::<(u64, u32)>())
            + trampoline_records.len() * (size_of::<Trampoline>() + 4)
            + call_count * (size_of::<Call>() + 4)
            + change_count * (size_of::<Pending>() + size_of::<Run>())
            + 8 * 64;
        let mut arena = match Arena::new(size) {
            Ok(arena) => arena,
            Err(errno) => return Self::bare(cap, Patching::NoMemory(errno)),
        };

        let stubs = arena.slice(records.len(), |i| (records[i].stub() as u64, i as u32));
        stubs.sort_unstable();
        let trampolines = arena.slice(trampoline_records.len(), |i| {
            Trampoline::read(&image, &trampoline_records[i], stubs, records)
        });
        trampolines.sort_unstable_by_key(|t| (t.key, t.address));
        let trampolines_by_address = arena.slice(trampolines.len(), |i| i as u32);
        trampolines_by_address.sort_unstable_by_key(|&i| trampolines[i as usize].address);
        let calls = arena.slice(call_count, |i| {
            Call::read(&image, entries, i, trampolines, trampolines_by_address)
        });
        calls.sort_unstable_by_key(|c| (c.key, c.address));
        let calls_by_address = arena.slice(calls.len(), |i| i as u32);
        calls_by_address.sort_unstable_by_key(|&i| calls[i as usize].address);
        let keys = arena.slice(records.len(), |i| KeyState {
            record: &records[i],
            wanted: None,
            bound: false,
            trampolines: range(trampolines, i as u32, |t| t.key),
            calls: range(calls, i as u32, |c| c.key),
        });
        let no_change = Change {
            address: 0,
            length: 0,
            old: [0; 8],
            new: [0; 8],
            width: crate::plan::Width::Quadword,
        };
        let pending = arena.slice(change_count, |_| Pending {
            change: no_change,
            subject: Subject::Trampoline(0),
        });
        let runs = arena
            .slice(change_count, |_| Run { address: 0, length: 0, protection: Protection::OPEN });

        let patching = match cap {
            Cap::Indirect => Patching::Capped,
            _ => probe(&image, trampolines),
        };
        let barrier = match patching {
            Patching::Works => sys::register_barrier(),
            _ => Ok(()),
        };
        Self {
            image: Some(image),
            patching,
            barrier,
            cap,
            table: table.map(|_| ()),
            keys,
            trampolines,
            calls,
            trampolines_by_address,
            calls_by_address,
            pending,
            runs,
            lost_permission: None,
        }
    }

    /// A registry of nothing: every key keeps to its slot.
    fn bare(cap: Cap, patching: Patching) -> Self {
        Self {
            image: None,
            patching,
            barrier: Ok(()),
            cap,
            table: Err(TableFault::Absent),
            keys: &mut [],
            trampolines: &mut [],
            calls: &mut [],
            trampolines_by_address: &mut [],
            calls_by_address: &mut [],
            pending: &mut [],
            runs: &mut [],
            lost_permission: None,
        }
    }

    /// The index of a key, unless it belongs to another image or the registry is bare.
    pub(crate) fn key_of(&self, record: &'static KeyRecord) -> Option<usize> {
        let first = self.keys.first()?.record;
        let offset = from_ref(record).addr().checked_sub(from_ref(first).addr())?;
        let index = offset / size_of::<KeyRecord>();
        (offset % size_of::<KeyRecord>() == 0 && index < self.keys.len()).then_some(index)
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

impl Trampoline {
    /// Reads a record and checks the code that it names.
    fn read(
        image: &Image,
        record: &'static TrampolineRecord,
        stubs: &[(u64, u32)],
        keys: &'static [KeyRecord],
    ) -> Self {
        let (address, stub, site) = record.addresses(from_ref(record).addr() as u64);
        let mut this =
            Self { address, key: NONE, site: None, linked: 0, now: 0, fault: Some(Fault::Unknown) };
        let Ok(found) = stubs.binary_search_by_key(&stub, |&(stub, _)| stub) else {
            return this;
        };
        this.key = stubs[found].1;
        this.site = site.and_then(|site| SiteRecord::at(site as usize));
        let Some(code) = image.quadword(address as usize) else {
            this.fault = Some(Fault::NotCode);
            return this;
        };
        this.linked = code;
        this.now = code;
        let bytes = code.to_le_bytes();
        let as_linked = match Form::from_word(record.form) {
            Some(Form::Slot) => decode_jmp_memory(&bytes).is_some_and(|d| {
                let slot = address.wrapping_add(JMP_MEMORY_LENGTH).wrapping_add_signed(d.into());
                slot == from_ref(keys[this.key as usize].slot()).addr() as u64
            }),
            Some(Form::Stub) => Branch::decode(&bytes)
                .is_some_and(|b| b.kind == Kind::Jmp && b.destination(address) == stub),
            None => false,
        };
        this.fault = (!as_linked).then_some(Fault::Bytes);
        this
    }
}

impl Call {
    /// Reads an entry of the table and checks the code that it names.
    fn read(
        image: &Image,
        entries: &'static [u8],
        index: usize,
        trampolines: &[Trampoline],
        by_address: &[u32],
    ) -> Self {
        let mut this = Self {
            address: 0,
            key: NONE,
            trampoline: NONE,
            kind: Kind::AddressTaken,
            grade: Grade::None,
            shape: None,
            lead: Lead::Trampoline,
            fault: Some(Fault::Malformed),
        };
        let bytes = &entries[index * TableEntry::SIZE..];
        let Some(entry) = bytes.first_chunk().and_then(TableEntry::from_bytes) else {
            return this;
        };
        let at = bytes.as_ptr().addr() as u64;
        this.address = at.wrapping_add_signed(entry.instruction.into());
        this.kind = entry.kind;
        this.grade = entry.grade;
        let trampoline = at.wrapping_add_signed(entry.trampoline.into());
        let Some(trampoline_index) = find(trampolines, by_address, trampoline) else {
            this.fault = Some(Fault::Unknown);
            return this;
        };
        this.trampoline = trampoline_index;
        this.key = trampolines[trampoline_index as usize].key;
        this.fault = None;
        if !entry.kind.is_direct() || entry.grade == Grade::None {
            return this;
        }
        if image.code(this.address as usize, entry.length.into()).is_none() {
            this.fault = Some(Fault::NotCode);
            return this;
        }
        let (code, have) = image.read(this.address as usize);
        let shape = CallShape::new(this.address, &code[..have]).filter(|shape| {
            shape.branch.kind == entry.kind
                && shape.branch.length == entry.length
                && shape.branch.destination(this.address) == trampoline
                && shape.grade == entry.grade
        });
        match shape {
            Some(shape) => this.shape = shape.grade.is_patchable().then_some(shape),
            None => this.fault = Some(Fault::Bytes),
        }
        this
    }
}

/// Opens and closes a real page of code once: what the system refuses, it refuses here.
fn probe(image: &Image, trampolines: &[Trampoline]) -> Patching {
    let Some(trampoline) = trampolines.iter().find(|t| t.fault.is_none()) else {
        return Patching::Works;
    };
    let address = trampoline.address as usize;
    let Some(flags) = image.code(address, 8) else { return Patching::NoHeaders };
    let page = sys::page_size();
    let start = address & !(page - 1);
    // SAFETY: INV-PAGES: a page of this image's code, opened.
    if let Err(errno) = unsafe { sys::protect(start, page, Protection::OPEN) } {
        return Patching::Refused(errno);
    }
    // SAFETY: INV-PAGES: the same page, as it was linked.
    match unsafe { sys::protect(start, page, Protection(flags)) } {
        Ok(()) => Patching::Works,
        Err(errno) => Patching::Refused(errno),
    }
}
