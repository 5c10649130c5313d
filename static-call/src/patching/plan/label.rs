//! Plans for jump labels.

use super::{Store, Width};
use crate::arch::native::{LABEL_LENGTH, grade, jmp, nop};
use crate::layout::{Grade, Polarity};

/// What the bytes of a jump label are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelForm {
    /// As linked: a jump to the test, which is right in every state of the key.
    Test,
    /// A no-op: the answer that the label's polarity expects.
    Next,
    /// A jump to the block of the other answer.
    Block,
}

/// A jump label that may be patched, from its record, checked by the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelShape {
    /// Address of the first byte.
    address: u64,
    /// The bytes of the jump to the test.
    test: u64,
    /// The bytes of the jump to the block of the unexpected answer.
    block: u64,
}

impl LabelShape {
    /// Returns the shape of the label at `address` that is linked as a jump to `test`, if it lies
    /// in one quadword. `block` is where the test leads by the unexpected answer. `None` also if
    /// one of them is out of reach.
    pub(crate) fn new(address: u64, test: u64, block: u64) -> Option<Self> {
        let jump = |to| {
            let [jmp, a, b, c, d] = jmp(address, to)?;
            Some(u64::from_le_bytes([jmp, a, b, c, d, 0, 0, 0]))
        };
        let shape = Self { address, test: jump(test)?, block: jump(block)? };
        (grade(address, 1, LABEL_LENGTH) == Grade::Quad).then_some(shape)
    }

    /// Returns the form that gives a key's answer without a test.
    pub(crate) fn answer(polarity: Polarity, is_on: bool) -> LabelForm {
        match is_on == (polarity == Polarity::Likely) {
            true => LabelForm::Next,
            false => LabelForm::Block,
        }
    }

    /// Returns whether the code at the label's address is the label in this form.
    pub(crate) fn is(&self, form: LabelForm, code: &[u8]) -> bool {
        code.starts_with(&self.bytes(form).to_le_bytes()[..usize::from(LABEL_LENGTH)])
    }

    /// Returns the label's bytes, padded with 0, little-endian.
    fn bytes(&self, form: LabelForm) -> u64 {
        match form {
            LabelForm::Test => self.test,
            LabelForm::Next => nop(LABEL_LENGTH).map_or(self.test, u64::from_le_bytes),
            LabelForm::Block => self.block,
        }
    }

    /// Returns the store that turns one form into the other: of the whole instruction, which lies
    /// in one quadword.
    pub(crate) fn store(&self, from: LabelForm, to: LabelForm) -> Option<Store> {
        let (address, length) = (self.address, LABEL_LENGTH);
        let (old, new) = (self.bytes(from), self.bytes(to));
        (old != new).then_some(Store { address, length, old, new, width: Width::Quadword })
    }
}
