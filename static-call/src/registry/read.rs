//! Reading of records and table entries, and the first try: what is not as it was recorded is left
//! alone for good.

use core::ptr::from_ref;

use super::{Call, Fault, Label, NONE, Patching, Trampoline, find};
use crate::arch::x86_64::{Branch, JMP_MEMORY_LENGTH, decode_jmp_memory};
use crate::image::Image;
use crate::record::KeyRecord;
use crate::layout::{Form, Grade, Kind, TableEntry, TrampolineRecord};
use crate::plan::{CallShape, Lead};
use crate::site::SiteRecord;
use crate::sys::{self, PAGE, Protection};

impl Trampoline {
    /// Reads a record and checks the code that it names.
    pub(super) fn read(
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
        let code = image.quadword(address as usize);
        let Some(code) = code.filter(|_| image.code(address as usize, 8).is_some()) else {
            this.fault = Some(Fault::NotCode);
            return this;
        };
        this.linked = code;
        this.now = code;
        let bytes = code.to_le_bytes();
        let as_linked = match Form::from_word(record.form) {
            Some(Form::Slot) => decode_jmp_memory(&bytes).is_some_and(|d| {
                let slot = address.wrapping_add(JMP_MEMORY_LENGTH).wrapping_add_signed(d.into());
                slot == keys[this.key as usize].slot_address() as u64
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
    pub(super) fn read(
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

/// Opens and closes a real page of code once: what the system refuses, it refuses here. Returns
/// how many pages stay open, too: one if it refuses the way back.
pub(super) fn probe(
    image: &Image,
    trampolines: &[Trampoline],
    labels: &[Label],
) -> (Patching, usize) {
    let trampolines = trampolines.iter().filter(|t| t.fault.is_none()).map(|t| t.address);
    let labels = labels.iter().filter(|l| l.fault.is_none()).map(|l| l.address);
    let Some(address) = trampolines.chain(labels).next() else { return (Patching::Works, 0) };
    let address = address as usize;
    let Some(flags) = image.code(address, 1) else { return (Patching::NoHeaders, 0) };
    let start = address & !(PAGE - 1);
    // SAFETY: INV-PAGES: a page of this image's code, opened.
    if let Err(errno) = unsafe { sys::protect(start, PAGE, Protection::OPEN) } {
        return (Patching::Refused(errno), 0);
    }
    // SAFETY: INV-PAGES: the same page, as it was linked.
    match unsafe { sys::protect(start, PAGE, Protection(flags)) } {
        Ok(()) => (Patching::Works, 0),
        Err(errno) => (Patching::Refused(errno), 1),
    }
}
