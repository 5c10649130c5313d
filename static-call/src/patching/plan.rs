//! What an update wants of the code: old bytes and a goal in, new bytes or a reason out.
//!
//! Pure: no memory is read or written here, so that every rule can be tested with numbers.

use crate::arch::native::effect::{Effect, mov_eax};
use crate::arch::native::{Branch, nop, trampoline_jmp};
use crate::layout::{Grade, Kind, Polarity, TRAMPOLINE_SIZE};

#[cfg(test)]
mod tests;

/// Where a call instruction leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// To its trampoline, as linked.
    Trampoline,
    /// To this address.
    Address(u64),
    /// Nowhere: it is a no-op.
    Nop,
    /// Nowhere: it sets the result to this.
    Constant(u32),
}

impl Lead {
    fn is_call(self) -> bool {
        matches!(self, Self::Trampoline | Self::Address(_))
    }
}

/// What a key's target asks of its call instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// Entry of the target.
    pub(crate) target: u64,
    /// What it does, where one instruction can do as much.
    pub(crate) effect: Effect,
    /// The hook has a target, or the flag is on: the answer of its jump labels.
    pub(crate) is_on: bool,
}

/// A call instruction that may be patched: what the table said and the registry checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallShape {
    /// Its first byte.
    pub(crate) address: u64,
    /// Its bytes as linked; those after it are 0.
    pub(crate) linked: [u8; 8],
    /// Those bytes, decoded.
    pub(crate) branch: Branch,
    /// What the address allows (INV-STORE).
    pub(crate) grade: Grade,
}

/// How bytes get into code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Four bytes, this far into the instruction.
    Displacement(u8),
    /// The quadword in which the instruction lies.
    Quadword,
}

/// One store: `length` bytes at `address` are to change from `old` to `new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) address: u64,
    pub(crate) length: u8,
    pub(crate) old: [u8; 8],
    pub(crate) new: [u8; 8],
    pub(crate) width: Width,
}

impl CallShape {
    /// The shape of a direct branch at `address`, from its bytes as linked.
    pub(crate) fn new(address: u64, bytes: &[u8]) -> Option<Self> {
        let branch = Branch::decode(bytes)?;
        let length = usize::from(branch.length);
        let mut linked = [0; 8];
        linked[..length].copy_from_slice(&bytes[..length]);
        Some(Self { address, linked, branch, grade: branch.grade(address) })
    }

    /// The bytes of this instruction when it leads where `lead` says; `None` where its kind,
    /// its grade or the distance do not allow it.
    pub(crate) fn bytes(&self, lead: Lead) -> Option<[u8; 8]> {
        match lead {
            Lead::Trampoline => Some(self.linked),
            Lead::Address(to) if self.grade.is_patchable() => {
                let displacement = self.branch.displacement_to(self.address, to)?;
                Some(self.branch.with_displacement(&self.linked, displacement))
            }
            Lead::Nop if self.is_whole_call() => nop(self.branch.length),
            Lead::Constant(value) if self.is_whole_call() => mov_eax(self.branch.length, value),
            Lead::Address(_) | Lead::Nop | Lead::Constant(_) => None,
        }
    }

    /// Whether the opcode may change: only a call has another instruction of its length and its
    /// meaning, and only inside one quadword.
    fn is_whole_call(&self) -> bool {
        self.grade == Grade::Quad && self.branch.kind == Kind::Call
    }

    /// The best that this instruction can do for a goal.
    pub(crate) fn lead(&self, goal: Goal) -> Lead {
        let direct = Lead::Address(goal.target);
        let effect = match goal.effect {
            Effect::Code => direct,
            Effect::Nothing => Lead::Nop,
            Effect::Returns(value) => Lead::Constant(value),
        };
        let possible = |lead: &Lead| self.bytes(*lead).is_some();
        [effect, direct].into_iter().find(possible).unwrap_or(Lead::Trampoline)
    }

    /// The store that turns one lead into another: `Ok(None)` where the bytes stay.
    ///
    /// Opcodes change only inside one quadword; a jump or a conditional jump keeps its opcode.
    pub(crate) fn store(&self, from: Lead, to: Lead) -> Result<Option<Store>, Impossible> {
        let old = self.bytes(from).ok_or(Impossible)?;
        let new = self.bytes(to).ok_or(Impossible)?;
        if old == new {
            return Ok(None);
        }
        if !self.grade.is_patchable() {
            return Err(Impossible);
        }
        let at = usize::from(self.branch.disp_at);
        let width = if old[..at] == new[..at] && from.is_call() && to.is_call() {
            Width::Displacement(self.branch.disp_at)
        } else if self.grade == Grade::Quad {
            Width::Quadword
        } else {
            return Err(Impossible);
        };
        let length = self.branch.length;
        Ok(Some(Store { address: self.address, length, old, new, width }))
    }
}

/// A change that no rule allows; asked for by nobody who used [`CallShape::lead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Impossible;

/// A jump label that may be patched: what its record said and the registry checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelShape {
    /// Its first byte.
    pub(crate) address: u64,
    /// `jmp cold`; bytes after it are 0.
    linked: [u8; 8],
    length: u8,
}

impl LabelShape {
    /// The shape of the label at `address`, if its bytes are a five-byte `jmp cold` that lies in
    /// one quadword.
    pub(crate) fn new(address: u64, bytes: &[u8], cold: u64) -> Option<Self> {
        let shape = CallShape::new(address, bytes)?;
        let branch = shape.branch;
        (branch.kind == Kind::Jmp
            && nop(branch.length).is_some()
            && branch.disp_at == 1
            && shape.grade == Grade::Quad
            && branch.destination(address) == cold)
            .then_some(Self { address, linked: shape.linked, length: branch.length })
    }

    /// Whether a bound label of this polarity is a no-op.
    pub(crate) fn falls_through(polarity: Polarity, is_on: bool) -> bool {
        is_on == (polarity == Polarity::Likely)
    }

    /// Its bytes: a no-op, or `jmp cold` as linked.
    pub(crate) fn bytes(&self, falls_through: bool) -> [u8; 8] {
        match nop(self.length) {
            Some(nop) if falls_through => nop,
            _ => self.linked,
        }
    }

    /// The store that turns one into the other.
    pub(crate) fn store(&self, from: bool, to: bool) -> Option<Store> {
        (from != to).then(|| Store {
            address: self.address,
            length: self.length,
            old: self.bytes(from),
            new: self.bytes(to),
            width: Width::Quadword,
        })
    }
}

/// The bytes of a trampoline: as linked, or a jump to the target where it is in reach.
pub(crate) fn trampoline_bytes(address: u64, linked: u64, target: Option<u64>) -> u64 {
    target.and_then(|target| trampoline_jmp(address, target)).map_or(linked, u64::from_le_bytes)
}

/// The store that changes a trampoline: all its eight bytes, or none.
pub(crate) fn trampoline_store(address: u64, old: u64, new: u64) -> Option<Store> {
    const { assert!(TRAMPOLINE_SIZE == 8) }
    (old != new).then(|| Store {
        address,
        length: 8,
        old: old.to_le_bytes(),
        new: new.to_le_bytes(),
        width: Width::Quadword,
    })
}
