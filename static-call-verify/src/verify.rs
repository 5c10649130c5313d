//! Runs the phases and makes the report.

use std::collections::HashMap;

use object::elf;
use static_call::layout::TRAMPOLINES_SECTION;

use crate::bind::{self, Write};
use crate::elf::error::ImageError;
use crate::elf::image::Image;
use crate::elf::plt;
use crate::elf::pointers::{Holder, Pointers};
use crate::elf::section::Section;
use crate::elf::symbols::Symbol;
use crate::elf::unwind::Unwind;
use crate::findings::Findings;
use crate::grade::{self, Found};
#[cfg(feature = "lines")]
use crate::lines::{DebugSections, Lines};
#[cfg(not(feature = "lines"))]
use crate::no_lines::{DebugSections, Lines};
use crate::policy::{FindingKey, Policy};
use crate::records::labels::{self, Fork};
use crate::records::{self, Records};
use crate::report::{Grade, ImageInfo, ImageKind, Kind, Label, Report, Summary, TableState};
use crate::search::decode::{self, Named};
use crate::search::functions;
use crate::search::scan::{self, Target, Targets};
use crate::table::got::{self, Rewrite};
use crate::table::{Table, note, places};

/// Finds and grades everything in `image` that names a trampoline.
///
/// Never fails: a damaged image gives a finding (`image.*`), an image without static calls an empty
/// report.
#[must_use]
pub fn verify(image: &[u8], policy: &Policy) -> Report {
    analyse(image, policy, false).report
}

/// The result of [`analyse`].
pub(crate) struct Analysis {
    pub(crate) report: Report,
    /// What stamping has to write.
    pub(crate) stamp: Option<Stamp>,
}

/// What stamping has to write, or why it cannot.
///
/// `undone` takes back an earlier binding, `reserved` are the contents of reserved sections, and
/// `bound` binds the code. All is written in the order of the fields.
pub(crate) enum Stamp {
    NothingToDo,
    NoTable,
    Refused,
    TooSmall {
        capacity: u32,
        needed: u32,
    },
    Write {
        entries: u32,
        undone: Vec<Write>,
        rewrites: Vec<Rewrite>,
        reserved: Vec<Write>,
        bound: Vec<Write>,
    },
}

/// Verifies an image. With `to_stamp`, verifies it as if its calls through the GOT were already
/// rewritten.
pub(crate) fn analyse(bytes: &[u8], policy: &Policy, to_stamp: bool) -> Analysis {
    let mut findings = Findings::new(policy);
    let mut report = Report::default();
    let mut stamp = None;
    let as_linked = unbound(bytes);
    let (bytes, undone) = match &as_linked {
        Some((linked, undone)) => (linked.as_slice(), undone.as_slice()),
        None => (bytes, [].as_slice()),
    };
    match Image::parse(bytes) {
        Ok(image) => {
            report.image = info(&image);
            stamp = Some(run(&image, policy, to_stamp, &mut report, &mut findings));
            if let Some(Stamp::Write { undone: all, .. }) = &mut stamp {
                *all = undone.to_vec();
            }
        }
        Err(error) => {
            let key = match error {
                ImageError::Unsupported(_) => FindingKey::ImageUnsupported,
                ImageError::Corrupt(_) => FindingKey::ImageCorrupt,
            };
            findings.add(key, None, None, error.to_string());
        }
    }
    report.findings = findings.finish();
    report.summary = summary(&report);
    Analysis { report, stamp }
}

/// Returns an image as it was before its code was bound, and what that takes; `None` if it is not
/// bound.
fn unbound(bytes: &[u8]) -> Option<(Vec<u8>, Vec<Write>)> {
    let undone = bind::undo(&Image::parse(bytes).ok()?);
    if undone.is_empty() {
        return None;
    }
    let mut linked = bytes.to_vec();
    for (offset, bytes) in &undone {
        let start = usize::try_from(*offset).ok()?;
        linked.get_mut(start..start.checked_add(bytes.len())?)?.copy_from_slice(bytes);
    }
    Some((linked, undone))
}

fn run(
    image: &Image<'_>,
    policy: &Policy,
    to_stamp: bool,
    report: &mut Report,
    findings: &mut Findings<'_>,
) -> Stamp {
    if image.sections.is_empty() {
        let message = "the image has no section headers, so static calls cannot be found in it";
        findings.add(FindingKey::ImageUnsupported, None, None, message.to_owned());
        return Stamp::Refused;
    }
    let is_split_off = |s: &Section<'_>| s.kind == elf::SHT_NOBITS.0 && s.size != 0;
    if image.sections_named(TRAMPOLINES_SECTION).any(is_split_off) {
        let message = "this file holds a program's debug information but not its code: verify the \
                       program";
        findings.add(FindingKey::ImageUnsupported, None, None, message.to_owned());
        return Stamp::Refused;
    }
    let instances = records::instances(image, findings);
    // The runtime's own anchors create empty sections in programs without static calls.
    let record_sections = records::record_sections(image);
    if instances.is_empty() && record_sections.iter().all(|s| s.size == 0) {
        return Stamp::NothingToDo;
    }
    if let Some(problem) = image.problem() {
        findings.add(
            FindingKey::ImageCorrupt,
            None,
            None,
            format!("the image is damaged: {problem}"),
        );
        return Stamp::Refused;
    }
    let mut addresses: Vec<u64> = instances.iter().map(|i| i.trampoline).collect();
    addresses.sort_unstable();
    let pointers = Pointers::collect(image, &record_sections, &addresses);
    let mut records = Records::read(image, &pointers, &instances, findings);
    report.labels = labels::read(image, &pointers, &mut records, findings);
    let sound = report.labels.iter().filter(|l| l.is_sound);
    let forks: Vec<Fork> = sound.filter_map(|label| Fork::at(image, label)).collect();
    let symbols = image.symbols();
    name_labels(image, &symbols, &mut report.labels);
    let named = named(image, &symbols, &records, pointers.holders(), &forks);
    grade::mark_entered(&mut records, &named, findings);
    let rewrites = if to_stamp {
        got::rewrites(image, &named, pointers.holders(), &records.trampolines)
    } else {
        Vec::new()
    };
    let sections = policy.source_lines().then(|| DebugSections::load(image)).flatten();
    let lines = sections.as_ref().map(|s| Lines::new(s, named.iter().map(|n| n.address)));
    let found = Found {
        image,
        records: &records,
        holders: pointers.holders(),
        rewrites: &rewrites,
        lines: lines.as_ref(),
        compiled: report.image.compiled,
    };
    report.calls = grade::calls(&found, &named, findings);
    grade::missing_flags(report.image.compiled, &report.calls, findings);
    if policy.source_lines() {
        grade::missing_lines(&found, &report.calls, findings);
    }
    (report.keys, report.sites, report.trampolines) =
        (records.keys, records.sites, records.trampolines);
    let mut stamp = finish_table(image, to_stamp, rewrites, report, findings);
    if let Stamp::Write { bound, .. } = &mut stamp {
        *bound = bind::bind(image, &pointers, &addresses, policy.binds_defaults(), report);
    }
    stamp
}

fn finish_table(
    image: &Image<'_>,
    to_stamp: bool,
    rewrites: Vec<Rewrite>,
    report: &mut Report,
    findings: &mut Findings<'_>,
) -> Stamp {
    let (calls, trampolines) = (&report.calls, &report.trampolines);
    let table = match Table::find(image) {
        Ok(Some(table)) => table,
        Ok(None) if trampolines.is_empty() => return Stamp::NothingToDo,
        Ok(None) => {
            let message = "the image has static calls but no table, so the runtime patches only \
                           trampolines: link with `static_call_verify::enable()` in `build.rs`, or \
                           with `cargo static-call build`";
            findings.add(FindingKey::TableMissing, None, None, message.to_owned());
            return Stamp::NoTable;
        }
        Err(problem) => {
            findings.add(FindingKey::TableStale, None, None, problem.to_owned());
            report.image.table = TableState::Stale;
            return Stamp::Refused;
        }
    };
    if !to_stamp {
        let (state, listed) = table.state(image, calls, trampolines, findings);
        for call in &mut report.calls {
            call.listed = listed.binary_search(&call.address).is_ok();
        }
        report.image.table = state;
        return Stamp::NothingToDo;
    }
    if !table.has_room() {
        let message = "the table does not fit its section".to_owned();
        findings.add(FindingKey::TableStale, Some(table.address), None, message);
        report.image.table = TableState::Stale;
        return Stamp::Refused;
    }
    let capacity = table.header.capacity;
    report.image.table = TableState::Empty { capacity };
    let needed = u32::try_from(calls.len()).unwrap_or(u32::MAX);
    if needed > capacity {
        return Stamp::TooSmall { capacity, needed };
    }
    let Some(bytes) = table.fill(image, calls, trampolines) else {
        let message = "the table is too far from the code that it describes".to_owned();
        findings.add(FindingKey::TableStale, Some(table.address), None, message);
        return Stamp::Refused;
    };
    report.image.table = TableState::Filled { count: needed, capacity };
    for call in &mut report.calls {
        call.listed = call.inline;
    }
    let names = places::fill(image, &report.calls, &report.labels);
    let reserved = [(table.offset, bytes)].into_iter().chain(names).collect();
    let (undone, bound) = (Vec::new(), Vec::new());
    Stamp::Write { entries: needed, undone, rewrites, reserved, bound }
}

/// Sets the functions around jump labels, which are in order.
fn name_labels(image: &Image<'_>, symbols: &[Symbol<'_>], labels: &mut [Label]) {
    let addresses: Vec<u64> = labels.iter().map(|l| l.address).collect();
    for (label, name) in labels.iter_mut().zip(functions::names(image, symbols, &addresses)) {
        label.function = name;
    }
}

/// Returns every instruction that names a trampoline, by address.
fn named<'a>(
    image: &Image<'a>,
    symbols: &[Symbol<'a>],
    records: &Records,
    holders: &[Holder],
    forks: &[Fork],
) -> Vec<Named> {
    let trampolines: Vec<u64> = records.trampolines.iter().map(|t| t.address).collect();
    let slots = || holders.iter().enumerate().filter(|(_, h)| h.is_got);
    let interposable: HashMap<u64, usize> = slots()
        .filter(|(_, h)| !h.is_constant)
        .filter_map(|(_, h)| Some((h.place, trampolines.binary_search(&h.trampoline).ok()?)))
        .collect();
    let plt = plt::entries(image, &interposable).into_iter();
    let targets = Targets::new(
        (trampolines.iter().enumerate().map(|(i, &a)| (a, Target::Trampoline(i))))
            .chain(slots().map(|(i, h)| (h.place, Target::Holder(i))))
            .chain(plt.map(|(entry, i)| (entry, Target::Plt(i)))),
    );
    let has_absolute = image.kind == ImageKind::Executable;
    let targets = targets.with_wide(image, has_absolute);
    let candidates = scan::candidates(image, &targets, &trampolines, has_absolute);
    let unwind = Unwind::new(image);
    let mut named = decode::decode(image, symbols, unwind.as_ref(), &candidates, forks);
    let in_plt = |a: u64| image.code_section(a).is_some_and(|s| s.is_plt());
    named.retain(|n| !in_plt(n.address));
    named
}

fn info(image: &Image<'_>) -> ImageInfo {
    let has = |name| image.sections_named(name).next().is_some();
    ImageInfo {
        kind: image.kind,
        code: image
            .sections
            .iter()
            .filter(|s| s.is_code())
            .map(|s| s.size)
            .fold(0, u64::wrapping_add),
        has_symbols: image.sections.iter().any(|s| s.kind == elf::SHT_SYMTAB.0),
        has_unwind_table: has(".eh_frame"),
        has_debug_info: has(".debug_line"),
        build_id: build_id(image).unwrap_or_default().to_vec(),
        table: TableState::Absent,
        compiled: note::compiled(image),
    }
}

/// Returns the description in the note `.note.gnu.build-id`.
fn build_id<'a>(image: &Image<'a>) -> Option<&'a [u8]> {
    let note = image.section_data(image.sections_named(".note.gnu.build-id").next()?)?;
    let size = note.get(4..8)?.try_into().ok().map(u32::from_le_bytes)?;
    let (head, rest) = note.split_at_checked(16)?;
    let is_build_id =
        head.ends_with(b"GNU\0") && head.get(8..12)? == elf::NT_GNU_BUILD_ID.0.to_le_bytes();
    rest.get(..usize::try_from(size).ok()?).filter(|_| is_build_id)
}

fn summary(report: &Report) -> Summary {
    let mut has_plain = vec![false; report.keys.len()];
    let plain = report.trampolines.iter().filter(|t| t.is_plain).map(|t| t.key);
    for key in plain.chain(report.labels.iter().filter(|l| l.site.is_none()).map(|l| l.key)) {
        if let Some(has_plain) = has_plain.get_mut(key) {
            *has_plain = true;
        }
    }
    let with_plain = has_plain.iter().filter(|has_plain| **has_plain).count();
    let mut sum = Summary {
        keys: report.keys.len(),
        sites: report.sites.iter().filter(|s| s.key.is_some()).count() + with_plain,
        trampolines: report.trampolines.len(),
        bound: report.keys.iter().filter(|key| key.is_bound).count(),
        labels: report.labels.len(),
        labels_inline: report.labels.iter().filter(|l| l.is_sound).count(),
        ..Summary::default()
    };
    for call in &report.calls {
        match call.kind {
            Kind::CallGot | Kind::JmpGot => sum.via_got += 1,
            Kind::Register => sum.register += 1,
            Kind::AddressTaken => sum.address_taken += 1,
            Kind::Call | Kind::Jmp | Kind::Jcc | Kind::Label => {}
        }
        if !call.is_call() {
            continue;
        }
        sum.calls += 1;
        sum.inline += usize::from(call.inline);
        sum.listed += usize::from(call.listed);
        sum.steps += usize::from(call.takes_steps());
        match call.grade {
            Grade::Quad => sum.quad += 1,
            Grade::Disp => sum.disp += 1,
            Grade::Line => sum.line += 1,
            Grade::Straddle => sum.straddle += 1,
            Grade::None => {}
        }
    }
    sum.one_store = sum.listed - sum.steps;
    sum.trampoline = sum.calls - sum.inline;
    sum
}
