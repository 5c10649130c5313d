//! Plans stores: from old bytes and a goal to new bytes, or a reason why not.
//!
//! It is pure: no memory is read or written here, so every rule can be tested with numbers.

use crate::arch::native::effect::{Effect, mov_eax};
use crate::arch::native::{Branch, Split, nop, trampoline_jmp};
use crate::layout::{Grade, Kind, TRAMPOLINE_SIZE};

mod label;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use label::{LabelForm, LabelShape};
pub(crate) use steps::{Route, Step};

/// Where a call instruction leads.
// All values have eight bytes, so that a lead is passed in two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// To its trampoline or its key's stub, as linked.
    Linked,
    /// To this address.
    Address(u64),
    /// To the veneer at this address, between two steps.
    Veneer(u64),
    /// Nowhere: the instruction is a no-op.
    Nop,
    /// Nowhere: the instruction sets the 64 bits of the result to this value.
    Constant(u64),
}

impl Lead {
    fn is_call(self) -> bool {
        matches!(self, Self::Linked | Self::Address(_) | Self::Veneer(_))
    }
}

/// What a key's target requires of the key's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// Address of the target.
    pub(crate) target: u64,
    /// The target's effect, if one instruction can have it.
    pub(crate) effect: Effect,
    /// Whether the hook has a target, or the flag is on: the answer of the key's jump labels.
    pub(crate) is_on: bool,
}

/// A call instruction that may be patched, from the table, checked by the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallShape {
    /// Address of the first byte.
    pub(crate) address: u64,
    /// The instruction's bytes as linked, padded with 0, little-endian.
    pub(crate) linked: u64,
    /// Those bytes, decoded.
    pub(crate) branch: Branch,
    /// Which stores the address allows (INV-STORE).
    pub(crate) grade: Grade,
    /// How a quadword boundary splits the displacement, if one does: retargeting takes steps
    /// (INV-STEP).
    pub(crate) split: Option<Split>,
}

/// What a store writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Four bytes, at this offset in the instruction.
    Displacement(u8),
    /// The quadword that contains the instruction.
    Quadword,
    /// `length` bytes at offset `at` in the instruction, in one quadword: a part of its
    /// displacement.
    Part { at: u8, length: u8 },
}

/// One store: it changes the instruction of `length` bytes at `address` from `old` to `new`, which
/// differ only where `width` says. Bytes are padded with 0, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) address: u64,
    pub(crate) length: u8,
    pub(crate) old: u64,
    pub(crate) new: u64,
    pub(crate) width: Width,
}

impl CallShape {
    /// Returns the shape of a direct branch at `address`, from its bytes as linked.
    pub(crate) fn new(address: u64, bytes: &[u8]) -> Option<Self> {
        let branch = Branch::decode(bytes)?;
        let length = usize::from(branch.length);
        let mut linked = [0; 8];
        linked[..length].copy_from_slice(&bytes[..length]);
        let (grade, split) = (branch.grade(address), Split::of(&branch, address));
        Some(Self { address, linked: u64::from_le_bytes(linked), branch, grade, split })
    }

    /// Returns the shape of this branch as it was linked, if it leads elsewhere now.
    pub(crate) fn linked_to(&self, home: u64) -> Option<Self> {
        let displacement = self.branch.displacement_to(self.address, home)?;
        let linked = self.with_displacement(displacement).to_le_bytes();
        Self::new(self.address, &linked[..usize::from(self.branch.length)])
    }

    /// Returns the address after the instruction, from which displacements count.
    pub(crate) fn end(&self) -> u64 {
        self.address.wrapping_add(self.branch.length.into())
    }

    /// Returns where the instruction leads as linked.
    pub(crate) fn home(&self) -> u64 {
        self.branch.destination(self.address)
    }

    /// Returns the bytes of this instruction with the given lead, or `None` if its kind, its grade
    /// or the distance does not allow that.
    pub(crate) fn bytes(&self, lead: Lead) -> Option<u64> {
        match lead {
            Lead::Linked => Some(self.linked),
            Lead::Address(to) | Lead::Veneer(to) => {
                let displacement = self.branch.displacement_to(self.address, to)?;
                Some(self.with_displacement(displacement))
            }
            Lead::Nop if self.is_whole_call() => nop(self.branch.length).map(u64::from_le_bytes),
            Lead::Constant(value) if self.is_whole_call() => {
                let value = u32::try_from(value).ok()?;
                mov_eax(self.branch.length, value).map(u64::from_le_bytes)
            }
            Lead::Nop | Lead::Constant(_) => None,
        }
    }

    /// Returns the bytes of this instruction with another displacement.
    fn with_displacement(&self, displacement: i32) -> u64 {
        let linked = self.linked.to_le_bytes();
        u64::from_le_bytes(self.branch.with_displacement(&linked, displacement))
    }

    /// Returns whether the opcode may change. That is possible only for a call, which has other
    /// instructions of its length that can replace it, and only inside one quadword.
    fn is_whole_call(&self) -> bool {
        self.grade == Grade::Quad && self.branch.kind == Kind::Call
    }

    /// Returns the best lead that this instruction can have for a goal.
    pub(crate) fn lead(&self, goal: Goal) -> Lead {
        let direct = Lead::Address(goal.target);
        let effect = match goal.effect {
            Effect::Code => direct,
            Effect::Nothing => Lead::Nop,
            Effect::Returns(value) => Lead::Constant(value.into()),
        };
        let possible = |lead: &Lead| self.bytes(*lead).is_some();
        [effect, direct].into_iter().find(possible).unwrap_or(Lead::Linked)
    }

    /// Returns the one store that turns one lead into another, or `Ok(None)` if the bytes are the
    /// same. An error means that no lead has these bytes, or that it takes several steps.
    ///
    /// An opcode changes only inside one quadword; a jump or a conditional jump keeps its opcode.
    /// Of a displacement that a boundary splits, one part changes.
    #[inline]
    pub(crate) fn store(&self, from: Lead, to: Lead) -> Result<Option<Store>, Impossible> {
        let old = self.bytes(from).ok_or(Impossible)?;
        let new = self.bytes(to).ok_or(Impossible)?;
        self.change((from, old), (to, new))
    }

    /// Returns the one store that turns a lead into another, as [`CallShape::store`] does, from
    /// leads with their bytes.
    #[inline]
    fn change(
        &self,
        (from, old): (Lead, u64),
        (to, new): (Lead, u64),
    ) -> Result<Option<Store>, Impossible> {
        if old == new {
            return Ok(None);
        }
        let width = if let Some(split) = self.split {
            self.part(split, old, new).ok_or(Impossible)?
        } else if self.has_same_opcode(old, new) && from.is_call() && to.is_call() {
            Width::Displacement(self.branch.disp_at)
        } else if self.grade == Grade::Quad {
            Width::Quadword
        } else {
            return Err(Impossible);
        };
        let length = self.branch.length;
        Ok(Some(Store { address: self.address, length, old, new, width }))
    }

    /// Returns whether the bytes of two instructions are the same before the displacement.
    fn has_same_opcode(&self, a: u64, b: u64) -> bool {
        (a ^ b).trailing_zeros() >= 8 * u32::from(self.branch.disp_at)
    }
}

/// The error of a change that no rule allows in one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Impossible;

/// Returns the bytes of a trampoline: a jump to the target if it is in reach, else those linked.
pub(crate) fn trampoline_bytes(address: u64, linked: u64, target: Option<u64>) -> u64 {
    target.and_then(|target| trampoline_jmp(address, target)).map_or(linked, u64::from_le_bytes)
}

/// Returns the store that changes a trampoline: all of its eight bytes, or none.
pub(crate) fn trampoline_store(address: u64, old: u64, new: u64) -> Option<Store> {
    const { assert!(TRAMPOLINE_SIZE == 8) }
    (old != new).then_some(Store { address, length: 8, old, new, width: Width::Quadword })
}
