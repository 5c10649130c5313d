//! Jump labels: reads and checks their records.

use core::ptr::from_ref;

use super::{Fault, named::Named};
use crate::arch::native::{LABEL_TEST_LENGTH, QUADWORD, label_block};
use crate::layout::{LabelRecord, Polarity};
use crate::patching::image::Image;
use crate::patching::plan::{LabelForm, LabelShape};
use crate::patching::registry::NONE;
use crate::record::KeyRecord;
use crate::site::SiteRecord;

/// A jump label of a hook or a flag.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    pub(crate) address: u64,
    pub(crate) key: u32,
    pub(crate) site: Option<&'static SiteRecord>,
    pub(crate) polarity: Polarity,
    /// The shape if the label may be patched: its record's test is its test, and it is a jump there
    /// or an answer (INV-LABEL).
    pub(crate) shape: Option<LabelShape>,
    /// What it is in the file: as linked, or the answer of its key's default.
    pub(crate) in_file: LabelForm,
    pub(crate) fault: Option<Fault>,
}

impl Label {
    /// Reads a record and checks the code that it names.
    pub(super) fn read(
        image: &Image,
        record: &'static LabelRecord,
        keys: &'static [KeyRecord],
        named: &Named,
        is_trampoline: impl Fn(u64) -> bool,
    ) -> Self {
        let (address, test, stub, site) = record.parts(from_ref(record).addr() as u64);
        let polarity = Polarity::from_word(record.polarity);
        let mut this = Self {
            address,
            key: NONE,
            site: None,
            polarity: polarity.unwrap_or(Polarity::Unlikely),
            shape: None,
            in_file: LabelForm::Test,
            fault: Some(Fault::Unknown),
        };
        if record.label == 0 || address == 0 {
            this.fault = Some(Fault::Dropped);
            return this;
        }
        let Some(key) = named.key(image, stub) else {
            this.fault = Some(named.unknown(image, stub));
            return this;
        };
        this.key = key;
        this.site = site.and_then(|site| named.site(site));
        let (code, have) = image.read(address as usize);
        if image.code(address as usize, have.clamp(1, 5)).is_none() || !image.is_code(test) {
            this.fault = Some(Fault::NotCode);
            return this;
        }
        let block = polarity.zip(test_code(image, test)).and_then(|(polarity, code)| {
            label_block(&code, test, address, polarity).filter(|&block| image.is_code(block))
        });
        let shape = block.and_then(|block| LabelShape::new(address, test, block));
        let shape = shape.filter(|_| !is_trampoline(test));
        let bound = keys.get(key as usize).filter(|key| key.is_bound_in_file());
        let in_file = shape.and_then(|shape| {
            let is_on = bound.map(|key| !key.has(KeyRecord::HAS_NO_BODY));
            let answer = is_on.map(|is_on| LabelShape::answer(this.polarity, is_on));
            let mut forms = [Some(LabelForm::Test), answer].into_iter().flatten();
            forms.find(|&form| shape.is(form, &code[..have]))
        });
        this.shape = shape.filter(|_| in_file.is_some());
        this.in_file = in_file.unwrap_or(this.in_file);
        this.fault = this.shape.is_none().then_some(Fault::Bytes);
        this
    }
}

/// Reads the bytes of a label's test, if all of them are code.
fn test_code(image: &Image, address: u64) -> Option<[u8; LABEL_TEST_LENGTH as usize]> {
    let mut code = [0; LABEL_TEST_LENGTH as usize];
    for (bytes, at) in code.chunks_mut(8).zip((address as usize..).step_by(8)) {
        let found = image.instruction(at, bytes.len())?.to_le_bytes();
        bytes.copy_from_slice(&found[..bytes.len()]);
    }
    Some(code)
}

/// Sorts labels by address, and keeps one of several equal records, which describe code that the
/// linker folded. Different records that share bytes are all disabled. Returns how many are kept.
pub(super) fn separate(labels: &mut [Label]) -> usize {
    let identity = |label: &Label| (label.address, label.key, label.polarity as u32);
    labels.sort_unstable_by_key(identity);
    let mut kept = 0;
    for i in 0..labels.len() {
        let mut label = labels[i];
        if let Some(before) = labels[..kept].last_mut() {
            if identity(before) == identity(&label) {
                continue;
            }
            if before.address / QUADWORD == label.address / QUADWORD {
                for label in [before, &mut label] {
                    label.shape = None;
                    label.fault = label.fault.or(Some(Fault::Overlaps));
                }
            }
        }
        labels[kept] = label;
        kept += 1;
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn label(address: u64, key: u32, polarity: Polarity) -> Label {
        let shape = LabelShape::new(address, address + 105, address + 205);
        assert!(shape.is_some());
        let in_file = LabelForm::Test;
        Label { address, key, site: None, polarity, shape, in_file, fault: None }
    }

    /// Separate labels are kept, folded code counts once, and labels that share bytes are disabled.
    #[test]
    fn labels_share_no_bytes() {
        let mut labels = [
            label(0x1008, 1, Polarity::Unlikely),
            label(0x1000, 2, Polarity::Likely),
            label(0x1008, 1, Polarity::Unlikely),
            label(0x1013, 1, Polarity::Unlikely),
            label(0x1011, 1, Polarity::Unlikely),
            label(0x1018, 1, Polarity::Likely),
            label(0x1018, 1, Polarity::Unlikely),
            label(0x1020, 3, Polarity::Unlikely),
            label(0x1020, 4, Polarity::Unlikely),
        ];
        let kept = separate(&mut labels);
        let of = |l: &Label| (l.address, l.key, l.fault, l.shape.is_some());
        let expected = [
            (0x1000, 2, None, true),
            (0x1008, 1, None, true),
            (0x1011, 1, Some(Fault::Overlaps), false),
            (0x1013, 1, Some(Fault::Overlaps), false),
            (0x1018, 1, Some(Fault::Overlaps), false),
            (0x1018, 1, Some(Fault::Overlaps), false),
            (0x1020, 3, Some(Fault::Overlaps), false),
            (0x1020, 4, Some(Fault::Overlaps), false),
        ];
        assert_eq!(labels[..kept].iter().map(of).collect::<Vec<_>>(), expected);
        assert_eq!(separate(&mut []), 0);
    }
}
