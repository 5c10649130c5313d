//! Reads records and table entries, and checks them against the code: code that differs from its
//! record is never patched.

use core::ptr::from_ref;

use super::{Call, Fault, NONE, Trampoline, find, named::Named};
use crate::arch::native::Branch;
use crate::layout::{Grade, Kind, TableEntry, TrampolineRecord};
use crate::patching::image::Image;
use crate::patching::plan::{CallShape, Lead, trampoline_bytes};
use crate::record::KeyRecord;

impl Trampoline {
    /// Reads a record and checks the code that it names.
    pub(super) fn read(
        image: &Image,
        record: &'static TrampolineRecord,
        keys: &'static [KeyRecord],
        named: &Named,
    ) -> Self {
        let (address, stub, site) = record.parts(from_ref(record).addr() as u64);
        let fault = Some(Fault::Unknown);
        let mut this = Self { address, key: NONE, site: None, linked: 0, in_file: 0, fault };
        if record.trampoline == 0 || address == 0 {
            this.fault = Some(Fault::Dropped);
            return this;
        }
        let Some(key) = named.key(image, stub) else {
            this.fault = Some(named.unknown(image, stub));
            return this;
        };
        this.key = key;
        this.site = site.and_then(|site| named.site(site));
        let code = image.quadword(address as usize);
        let Some(code) = code.filter(|_| image.code(address as usize, 8).is_some()) else {
            this.fault = Some(Fault::NotCode);
            return this;
        };
        (this.linked, this.in_file) = (code, code);
        let branch = Branch::decode(&code.to_le_bytes()).filter(|b| b.kind == Kind::Jmp);
        let to = branch.map(|branch| branch.destination(address));
        this.fault = match to {
            Some(to) if to == stub => None,
            Some(to) if is_bound(image, keys, key, to) => {
                this.linked = trampoline_bytes(address, code, Some(stub));
                None
            }
            _ => Some(Fault::Bytes),
        };
        this
    }
}

/// Returns whether the code of a key may lead to this address in the file: the verifier has bound
/// it, and its default is there.
fn is_bound(image: &Image, keys: &'static [KeyRecord], key: u32, to: u64) -> bool {
    let shim = keys.get(key as usize).and_then(KeyRecord::bound_shim);
    shim.is_some_and(|shim| image.leads(shim, to))
}

/// Why the verifier gave a branch no grade, as far as its entry and its bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ungraded {
    /// Its displacement has 8 bits.
    Short,
    /// It is not one of the forms that can be rewritten.
    Prefix,
    /// It does not lead to the trampoline itself.
    Elsewhere,
    /// Its bytes are a branch to the trampoline, but the code around it could not be proved.
    Unproved,
}

impl Ungraded {
    /// Returns why the entry has no grade. `branch` is the decoded code at `address`.
    fn of(entry: &TableEntry, address: u64, branch: Option<Branch>, trampoline: u64) -> Self {
        let is_short = matches!(entry.kind, Kind::Jmp | Kind::Jcc) && entry.length < 5;
        let is_form = |b: &Branch| b.kind == entry.kind && b.length == entry.length;
        match branch.filter(is_form) {
            // The verifier could not determine its length.
            _ if entry.length == 0 => Self::Unproved,
            _ if is_short => Self::Short,
            None => Self::Prefix,
            Some(branch) if branch.destination(address) != trampoline => Self::Elsewhere,
            Some(_) => Self::Unproved,
        }
    }
}

impl Call {
    /// Reads an entry of the table and checks the code that it names.
    pub(super) fn read(
        image: &Image,
        entries: &'static [u8],
        index: usize,
        keys: &'static [KeyRecord],
        trampolines: &[Trampoline],
        by_address: &[u32],
    ) -> Self {
        let mut this = Self {
            address: 0,
            key: NONE,
            trampoline: NONE,
            kind: Kind::AddressTaken,
            grade: Grade::None,
            ungraded: Ungraded::Unproved,
            shape: None,
            in_file: Lead::Linked,
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
        if !entry.kind.is_direct() {
            return this;
        }
        if entry.grade == Grade::None {
            let (code, have) = image.read(this.address as usize);
            let branch = Branch::decode(&code[..have]);
            this.ungraded = Ungraded::of(&entry, this.address, branch, trampoline);
            return this;
        }
        if image.code(this.address as usize, entry.length.into()).is_none() {
            this.fault = Some(Fault::NotCode);
            return this;
        }
        let (code, have) = image.read(this.address as usize);
        let found = CallShape::new(this.address, &code[..have]).filter(|shape| {
            shape.branch.kind == entry.kind
                && shape.branch.length == entry.length
                && shape.grade == entry.grade
        });
        match found {
            Some(shape) if shape.home() == trampoline => this.shape = Some(shape),
            Some(shape) if is_bound(image, keys, this.key, shape.home()) => {
                this.in_file = Lead::Address(shape.home());
                this.shape = shape.linked_to(trampoline);
            }
            _ => {}
        }
        this.fault = this.shape.is_none().then_some(Fault::Bytes);
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Branches at one address, to a trampoline or near it.
    #[test]
    fn the_reason_for_no_grade_is_found() {
        let of = |kind, length, branch| {
            let grade = Grade::None;
            let entry = TableEntry { instruction: 0, trampoline: 0, kind, grade, length };
            Ungraded::of(&entry, 0x1000, branch, 0x1020)
        };
        let to = |destination: u64, kind, length: u8| {
            let branch = Branch { kind, disp_at: length - 4, length, displacement: 0 };
            let displacement = branch.displacement_to(0x1000, destination).unwrap();
            Some(Branch { displacement, ..branch })
        };
        let (call, jmp, jcc) = (Kind::Call, Kind::Jmp, Kind::Jcc);
        assert_eq!(of(jmp, 2, None), Ungraded::Short);
        assert_eq!(of(jcc, 3, None), Ungraded::Short);
        assert_eq!(of(call, 6, None), Ungraded::Prefix);
        assert_eq!(of(call, 6, to(0x1020, call, 5)), Ungraded::Prefix);
        assert_eq!(of(call, 5, to(0x1030, call, 5)), Ungraded::Elsewhere);
        assert_eq!(of(call, 5, to(0x1020, call, 5)), Ungraded::Unproved);
        assert_eq!(of(jcc, 6, to(0x1020, jcc, 6)), Ungraded::Unproved);
        // The verifier found these only by their bytes.
        assert_eq!(of(call, 0, to(0x1020, call, 5)), Ungraded::Unproved);
        assert_eq!(of(jmp, 0, to(0x1020, jmp, 5)), Ungraded::Unproved);
    }
}
