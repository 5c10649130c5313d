//! Binds code to the defaults of its keys in the file, and undoes that.
//!
//! It writes what an update to the default would store: displacements of calls, jumps of
//! trampolines, and the answers of jump labels. The record of a key says whether its code is bound.
//! The runtime accepts the same bytes (`patching/registry/read.rs` of static-call).

use std::collections::HashSet;

use static_call::arch::x86_64::{
    Branch, JMP_MEMORY_LENGTH, LABEL_LENGTH, along_jumps, decode_jmp_memory, direct_jump, jmp, nop,
    trampoline_jmp,
};
use static_call::layout::{Polarity, RUNTIME_SECTION, TRAMPOLINE_SIZE, key_record};

use crate::elf::image::Image;
use crate::elf::pointers::Pointers;
use crate::findings::Findings;
use crate::policy::Policy;
use crate::records::{self, Records, labels};
use crate::report::{Call, Key, Label, Report};
use crate::table::Table;

/// Bytes to write, and their offset in the file.
pub(crate) type Write = (u64, Vec<u8>);

/// Bytes of a displacement.
const DISPLACEMENT: u64 = 4;

/// Binds every key whose code can be bound, if this is wanted and the image has a runtime to update
/// it. Returns what to write, and notes in the report which keys are bound.
///
/// `trampolines` are the addresses of all trampolines, sorted.
pub(crate) fn bind(
    image: &Image<'_>,
    pointers: &Pointers,
    trampolines: &[u64],
    is_wanted: bool,
    report: &mut Report,
) -> Vec<Write> {
    let is_wanted = is_wanted && image.sections_named(RUNTIME_SECTION).next().is_some();
    let bound: Vec<Option<Bound>> = match is_wanted {
        true => choose(image, pointers, trampolines, report),
        false => vec![None; report.keys.len()],
    };
    let of = |key: usize| bound.get(key).copied().flatten();
    let mut writes = Vec::new();
    let mut add = |address: u64, bytes: &[u8]| {
        let offset = image.offset_of(address, bytes.len() as u64);
        writes.extend(offset.map(|offset| (offset, bytes.to_vec())));
    };
    for t in &report.trampolines {
        if let Some(jump) = of(t.key).and_then(|b| trampoline_jmp(t.address, b.default?)) {
            add(t.address, &jump);
        }
    }
    for call in report.calls.iter().filter(|call| call.inline) {
        let default = of(call.key).and_then(|bound| bound.default);
        if let Some(displacement) = default.and_then(|default| displacement(call, default)) {
            add(displacement_at(call.address, call.length), &displacement.to_le_bytes());
        }
    }
    for label in report.labels.iter().filter(|label| of(label.key).is_some()) {
        if let Some(answer) = answer(image, label, falls_through(label, &report.keys)) {
            add(label.address, &answer);
        }
    }
    for (i, key) in report.keys.iter_mut().enumerate() {
        key.is_bound = of(i).is_some();
        let at = key.address.wrapping_add(key_record::STATE);
        let bound = if key.is_bound { key_record::BOUND } else { 0 };
        // Each is a write of its own.
        if let Some(&[old]) = image.at(at, 1)
            && let new = old & !key_record::BOUND | bound
            && new != old
        {
            add(at, &[new]);
        }
    }
    writes
}

/// A key that is bound.
#[derive(Clone, Copy)]
struct Bound {
    /// Where its calls lead. A flag has none.
    default: Option<u64>,
}

/// Returns which keys can be bound. All of a key's code leads to its default, or none of it,
/// because calls that lead there do not follow the slot.
fn choose(
    image: &Image<'_>,
    pointers: &Pointers,
    trampolines: &[u64],
    report: &Report,
) -> Vec<Option<Bound>> {
    let rewritten: HashSet<u64> = report
        .calls
        .iter()
        .map(|call| call.address)
        .chain(report.labels.iter().map(|label| label.address))
        .collect();
    let jumps = Jumps { image, pointers };
    let end = |key: &Key| {
        let stays = |at: u64| rewritten.contains(&at);
        let leaves = |next: u64| trampolines.binary_search(&next).is_err();
        Some(jumps.end(key.default?, stays, leaves))
    };
    let defaults: Vec<Option<u64>> = report.keys.iter().map(end).collect();
    let mut bound: Vec<Option<Bound>> = vec![None; report.keys.len()];
    let mut can_be = vec![true; report.keys.len()];
    let mut found = |key: usize, default: Option<u64>, is_right: bool, changes: bool| {
        if let (Some(bound), Some(can_be)) = (bound.get_mut(key), can_be.get_mut(key)) {
            *can_be &= is_right;
            *bound = bound.or(changes.then_some(Bound { default }));
        }
    };
    for t in &report.trampolines {
        let default = defaults.get(t.key).copied().flatten();
        let is_near = default.is_some_and(|to| trampoline_jmp(t.address, to).is_some());
        found(t.key, default, t.is_sound && is_near, true);
    }
    for label in &report.labels {
        let default = defaults.get(label.key).copied().flatten();
        // Of a sound label both answers are known.
        found(label.key, default, label.is_sound, true);
    }
    bound.into_iter().zip(can_be).map(|(bound, can_be)| bound.filter(|_| can_be)).collect()
}

/// Returns whether a label is a no-op while its key has its default.
fn falls_through(label: &Label, keys: &[Key]) -> bool {
    let is_on = keys.get(label.key).is_some_and(|key| !key.has_no_body);
    is_on == (label.polarity == Polarity::Likely)
}

/// Returns the bytes with which a label gives an answer without its test: the no-op, or a jump to
/// the block of the other answer.
fn answer(image: &Image<'_>, label: &Label, falls_through: bool) -> Option<[u8; 5]> {
    let block = labels::block(image, label)?;
    match falls_through {
        true => nop(LABEL_LENGTH)?.first_chunk().copied(),
        false => jmp(label.address, block),
    }
}

/// Returns the displacement with which a call leads to `default`.
fn displacement(call: &Call, default: u64) -> Option<i32> {
    let length = u64::from(call.length);
    let end = call.address.wrapping_add(length);
    i32::try_from(default.wrapping_sub(end).cast_signed()).ok().filter(|_| length > DISPLACEMENT)
}

/// Returns where the displacement of a branch is: at its end.
fn displacement_at(address: u64, length: u8) -> u64 {
    address.wrapping_add(u64::from(length)).wrapping_sub(DISPLACEMENT)
}

/// Jumps whose destination nothing changes.
struct Jumps<'i, 'a> {
    image: &'i Image<'a>,
    pointers: &'i Pointers,
}

impl Jumps<'_, '_> {
    /// Returns where calls of the code at `address` may go directly: the end of its jumps. A jump
    /// at an address that `stays`, or to one that `leaves` rejects, is not skipped.
    fn end(&self, address: u64, stays: impl Fn(u64) -> bool, leaves: impl Fn(u64) -> bool) -> u64 {
        let next = |at| self.next(at).filter(|&next| !stays(at) && leaves(next));
        along_jumps(address, next).last().unwrap_or(address)
    }

    /// Returns whether code at `from` only jumps to `to`, or is there.
    fn leads(&self, from: u64, to: u64) -> bool {
        along_jumps(from, |at| self.next(at)).any(|at| at == to)
    }

    /// Returns where the jump at `at` always leads, if there is such a jump and it stays in the
    /// code of this image.
    fn next(&self, at: u64) -> Option<u64> {
        let lengths = [JMP_MEMORY_LENGTH, 5, 2].into_iter();
        let code = lengths.filter_map(|length| self.image.code_at(at, length)).next()?;
        let slot = || {
            let end = at.wrapping_add(JMP_MEMORY_LENGTH);
            let slot = end.wrapping_add_signed(decode_jmp_memory(code)?.into());
            self.pointers.in_fixed_slot(self.image, slot)
        };
        let next = direct_jump(at, code).or_else(slot)?;
        self.image.code_section(next).map(|_| next)
    }
}

/// Returns what to write so that the code of an image is as it was linked; nothing if it is not
/// bound. Bytes that binding does not write stay as they are.
pub(crate) fn undo(image: &Image<'_>) -> Vec<Write> {
    let policy = Policy::default();
    // The image is verified afterwards: what is wrong with it is found then.
    let mut unheard = Findings::new(&policy);
    if !has_bound_key(image, &mut unheard) || image.problem().is_some() {
        return Vec::new();
    }
    let instances = records::instances(image, &mut unheard);
    let pointers = Pointers::collect(image, &records::record_sections(image), &[]);
    let mut records = Records::read(image, &pointers, &instances, &mut unheard);
    let labels = labels::read(image, &pointers, &mut records, &mut unheard);
    let jumps = Jumps { image, pointers: &pointers };
    let leads_to_default = |key: usize, to: u64| {
        let key = records.keys.get(key).filter(|key| key.is_bound);
        key.and_then(|key| key.default).is_some_and(|default| jumps.leads(default, to))
    };
    let mut writes = Vec::new();
    let mut add = |address: u64, bytes: &[u8]| {
        let offset = image.offset_of(address, bytes.len() as u64);
        writes.extend(offset.map(|offset| (offset, bytes.to_vec())));
    };
    for t in &records.trampolines {
        let code = image.code_at(t.address, TRAMPOLINE_SIZE as u64);
        let jump = code.and_then(|code| direct_jump(t.address, code));
        let is_bound = jump
            .filter(|&to| leads_to_default(t.key, to))
            .is_some_and(|to| code == trampoline_jmp(t.address, to).as_ref().map(|j| &j[..]));
        if let Some(linked) = trampoline_jmp(t.address, t.stub).filter(|_| is_bound) {
            add(t.address, &linked);
        }
    }
    for label in &labels {
        let code = image.code_at(label.address, LABEL_LENGTH.into());
        let mut answers = [true, false].map(|next| answer(image, label, next)).into_iter();
        let is_bound = records.keys.get(label.key).is_some_and(|key| key.is_bound)
            && answers.any(|answer| code.zip(answer).is_some_and(|(code, answer)| *code == answer));
        if let Some(linked) = jmp(label.address, label.test).filter(|_| is_bound) {
            add(label.address, &linked);
        }
    }
    let table = Table::find(image).ok().flatten();
    for (address, trampoline, entry) in table.iter().flat_map(Table::branches) {
        let at = records.trampolines.binary_search_by_key(&trampoline, |t| t.address);
        let Some(t) = at.ok().and_then(|at| records.trampolines.get(at)) else { continue };
        let code = image.code_at(address, entry.length.max(1).into());
        let branch = code.and_then(Branch::decode);
        let branch = branch.filter(|b| b.kind == entry.kind && b.length == entry.length);
        let linked = branch
            .filter(|branch| leads_to_default(t.key, branch.destination(address)))
            .and_then(|branch| branch.displacement_to(address, t.address));
        if let Some(linked) = linked {
            add(displacement_at(address, entry.length), &linked.to_le_bytes());
        }
    }
    writes
}

/// Returns whether the record of a key says that its code is bound.
fn has_bound_key(image: &Image<'_>, findings: &mut Findings<'_>) -> bool {
    let sections = image.sections_named(static_call::layout::KEYS_SECTION);
    let mut keys = sections.flat_map(|section| {
        records::elements::<{ key_record::SIZE }>(image, section, findings).collect::<Vec<_>>()
    });
    let state = key_record::STATE as usize;
    keys.any(|(_, key)| key[state] & key_record::BOUND != 0)
}
