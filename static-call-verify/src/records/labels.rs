//! Jump labels of hooks and flags. The macros emit them exactly, but they are checked anyway.

use static_call::arch::x86_64::{
    Branch, LABEL_LENGTH, LABEL_TEST_LENGTH, QUADWORD, jmp, label_block,
};
use static_call::layout::{Kind, LABELS_SECTION, LabelRecord, Polarity};

use super::{Named, Records, elements, named};
use crate::elf::image::Image;
use crate::elf::pointers::Pointers;
use crate::findings::{Findings, hex};
use crate::policy::FindingKey;
use crate::report::Label;

/// Length of a label in bytes.
const LENGTH: u64 = LABEL_LENGTH as u64;

/// Returns the labels of the image by address, without functions. Sets the key of their sites.
pub(crate) fn read(
    image: &Image<'_>,
    pointers: &Pointers,
    records: &mut Records,
    findings: &mut Findings<'_>,
) -> Vec<Label> {
    if image.sections_named(LABELS_SECTION).all(|s| s.size == 0) {
        return Vec::new();
    }
    let names = records.names(image, pointers);
    let mut labels = Vec::new();
    for section in image.sections_named(LABELS_SECTION) {
        for (at, bytes) in elements::<{ LabelRecord::SIZE }>(image, section, findings) {
            let r = LabelRecord::from_bytes(bytes);
            let (address, test, stub, site) = r.parts(at);
            // GNU ld and mold keep the record of a label that was dropped, with a null address.
            if r.label == 0 || address == 0 {
                continue;
            }
            let Some(polarity) = Polarity::from_word(r.polarity) else {
                findings.record(at, "the record of a jump label has an unknown polarity");
                continue;
            };
            let key = match names.key(stub) {
                Named::Key(key) => key,
                // The label tests its key, wherever that is.
                Named::OtherImage => continue,
                Named::Nothing => {
                    findings.record(at, "the record of a jump label names no key of this image");
                    continue;
                }
            };
            let site = site.and_then(|id| names.site(id));
            if let Some(site) = site.and_then(|s| records.sites.get_mut(s)) {
                site.key = Some(key);
            }
            let (function, is_sound) = (None, false);
            labels.push(Label { address, test, polarity, key, site, function, is_sound });
        }
    }
    labels.sort_by_key(|l| (l.address, l.key, l.polarity as u32, l.test));
    labels.dedup_by_key(|l| (l.address, l.key, l.polarity as u32, l.test));
    let quadword = |label: &Label| label.address / QUADWORD;
    let twice: Vec<u64> = labels
        .windows(2)
        .filter(|w| quadword(&w[0]) == quadword(&w[1]))
        .map(|w| quadword(&w[1]))
        .collect();
    for &quadword in &twice {
        let message = "two jump labels share bytes or contradict each other";
        findings.record(quadword * QUADWORD, message);
    }
    for label in &mut labels {
        label.is_sound = twice.binary_search(&quadword(label)).is_err()
            && check(image, label, records, findings);
    }
    labels
}

/// Returns whether a label is a jump to its test in one aligned quadword, and its test is there.
fn check(image: &Image<'_>, label: &Label, records: &Records, findings: &mut Findings<'_>) -> bool {
    let Some(key) = records.keys.get(label.key) else { return false };
    let mut wrong = |finding: FindingKey, what: &str| {
        let bytes = image.at(label.address, LENGTH).map(hex).unwrap_or_default();
        let fix = finding.fix();
        let (name, source) = named(image, key);
        let message = format!("a jump label {name}{what}: it is not patched, bytes{bytes}; {fix}");
        findings.add(finding, Some(label.address), source, message);
        false
    };
    if label.address % QUADWORD > QUADWORD - LENGTH {
        return wrong(FindingKey::LabelMisaligned, "crosses an 8-byte boundary");
    }
    let branch = image.code_at(label.address, LENGTH).and_then(Branch::decode);
    let leads_to_test = branch.is_some_and(|b| {
        let is_long = b.kind == Kind::Jmp && u64::from(b.length) == LENGTH;
        is_long && b.destination(label.address) == label.test
    });
    let is_trampoline =
        records.trampolines.binary_search_by_key(&label.test, |t| t.address).is_ok();
    if !leads_to_test || is_trampoline || block(image, label).is_none() {
        return wrong(FindingKey::LabelBytes, "is not the code that the macros emit");
    }
    true
}

/// Returns where a label's test leads by the unexpected answer, if it is the test of this label,
/// and the label can lead there itself.
pub(crate) fn block(image: &Image<'_>, label: &Label) -> Option<u64> {
    let code = image.code_at(label.test, LABEL_TEST_LENGTH)?;
    let block = label_block(code, label.test, label.address, label.polarity)?;
    image.code_section(block).and(jmp(label.address, block)).map(|_| block)
}

/// A place where code goes on after a jump label, whatever the label is at that moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fork {
    /// The label's address.
    pub(crate) label: u64,
    /// Where it goes on by the unexpected answer. By the other one it does so at the label's end.
    pub(crate) other: u64,
}

impl Fork {
    /// Returns the fork at a sound label.
    pub(crate) fn at(image: &Image<'_>, label: &Label) -> Option<Self> {
        block(image, label).map(|other| Self { label: label.address, other })
    }
}
