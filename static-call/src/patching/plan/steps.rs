//! Steps: how a call instruction whose displacement a quadword boundary splits is retargeted by up
//! to three stores, with a barrier between any two (SAFETY.md, INV-STEP).
//!
//! Each store changes one part of the displacement. The high part is first set to a window that
//! holds a veneer for the old target and one for the new, then the low part is changed, then the
//! high part again. So each displacement that a thread can fetch leads to the old target, to a
//! veneer of the key, or to the new target.

use super::{CallShape, Lead, Store, Width};
use crate::arch::native::{Parts, Split};

/// The steps that an update makes of one instruction, by the barriers before them. A missing one
/// would store what is there already.
pub(crate) type Route = [Option<Step>; 3];

/// One store of a retargeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) store: Store,
    /// Where the instruction leads before.
    pub(crate) from: Lead,
    /// Where the instruction leads afterwards.
    pub(crate) to: Lead,
}

impl CallShape {
    /// Returns the address that a lead to code has.
    pub(crate) fn destination(&self, lead: Lead) -> Option<u64> {
        match lead {
            Lead::Linked => Some(self.home()),
            Lead::Address(to) | Lead::Veneer(to) => Some(to),
            Lead::Nop | Lead::Constant(_) => None,
        }
    }

    /// Returns the veneer that stands for `lead` in a window.
    pub(crate) fn veneer(&self, split: Split, lead: Lead, high: i32) -> Option<u64> {
        Some(split.congruent(self.end(), self.destination(lead)?, high))
    }

    /// Returns the steps from one lead to another through a window of veneers, or `None` if one of
    /// the leads or the window is out of reach. The veneers of both leads in that window must
    /// exist.
    #[inline]
    pub(crate) fn route(&self, from: Lead, to: Lead, high: i32) -> Option<Route> {
        let split = self.split?;
        let with_bytes = |lead| Some((lead, self.bytes(lead)?));
        let (from, to) = (with_bytes(from)?, with_bytes(to)?);
        let veneer = |lead| {
            let (veneer, bytes) = with_bytes(Lead::Veneer(self.veneer(split, lead, high)?))?;
            // What leads to the same place has one name.
            let same = [from, to].into_iter().find(|&(_, end)| end == bytes);
            Some((same.map_or(veneer, |(lead, _)| lead), bytes))
        };
        let (old, new) = (veneer(from.0)?, veneer(to.0)?);
        let (at, before) = (self.branch.disp_at, split.before());
        let low = Width::Part { at, length: before };
        let high = Width::Part { at: at + before, length: 4 - before };
        let step = |(from, old): (Lead, u64), (to, new): (Lead, u64), width| {
            let (address, length) = (self.address, self.branch.length);
            debug_assert!(old == new || self.part(split, old, new) == Some(width));
            let store = Store { address, length, old, new, width };
            (old != new).then_some(Step { store, from, to })
        };
        Some([step(from, old, high), step(old, new, low), step(new, to, high)])
    }

    /// Returns the part of the displacement in which the bytes differ, if it is only one.
    pub(super) fn part(&self, split: Split, old: u64, new: u64) -> Option<Width> {
        let (from, to) = (self.parts(split, old)?, self.parts(split, new)?);
        let (at, before) = (self.branch.disp_at, split.before());
        match (from.low == to.low, from.high == to.high) {
            (false, true) => Some(Width::Part { at, length: before }),
            (true, false) => Some(Width::Part { at: at + before, length: 4 - before }),
            _ => None,
        }
    }

    /// Returns the parts of the displacement in `bytes`, if they are a branch of this shape.
    fn parts(&self, split: Split, bytes: u64) -> Option<Parts> {
        let displacement = bytes >> (8 * self.branch.disp_at);
        let is_branch = self.has_same_opcode(bytes, self.linked);
        is_branch.then(|| split.parts(displacement as i32))
    }
}
