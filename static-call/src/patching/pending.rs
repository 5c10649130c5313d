//! The batch at hand: the wanted targets, the stores they require, and the pages of those stores.

use crate::patching::arena::{ALIGNMENT, Arena};
use crate::patching::plan::{Goal, Lead, Store, Width};
use crate::patching::registry::{Registry, Sections};
use crate::sys::Protection;
use crate::target::Chosen;

/// The memory of a batch. Nothing in it outlives the commit, unless a `fork` interrupts that.
pub(crate) struct Pending {
    /// The target that the batch gives to each key that it touches.
    pub(crate) wanted: &'static mut [Option<Chosen>],
    /// What that target requires of the key's code, once stores are chosen.
    pub(crate) goals: &'static mut [Option<Goal>],
    /// Room for one store for each trampoline, jump label and call instruction; the first `planned`
    /// are in use.
    stores: &'static mut [Planned],
    planned: usize,
    /// Room for as many runs; the first `opened` are in use.
    runs: &'static mut [Run],
    opened: usize,
}

/// A store to be made, and whose bytes it changes.
#[derive(Clone, Copy)]
pub(crate) struct Planned {
    /// INV-STORE: made by `plan`, so the grade of the instruction allows it.
    pub(crate) store: Store,
    pub(crate) subject: Subject,
}

/// Whose bytes a store changes.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    /// Index of a trampoline.
    Trampoline(usize),
    /// Index of a call instruction, and where it leads afterwards.
    Call(usize, Lead),
    /// Index of a jump label, and whether it is a no-op afterwards.
    Label(usize, bool),
}

/// Consecutive pages of one segment. INV-PAGES: whole pages of this image's code.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) address: usize,
    pub(crate) length: usize,
    /// The protection that the pages were linked with.
    pub(crate) protection: Protection,
}

impl Planned {
    const NOTHING: Self = Self {
        store: Store { address: 0, length: 0, old: [0; 8], new: [0; 8], width: Width::Quadword },
        subject: Subject::Trampoline(0),
    };
}

impl Pending {
    /// Returns the bytes of the arena that batches of this image need.
    pub(crate) fn size(sections: &Sections) -> usize {
        let stores = sections.trampolines.len() + sections.call_count() + sections.labels.len();
        sections.keys.len() * (size_of::<Option<Chosen>>() + size_of::<Option<Goal>>())
            + stores * (size_of::<Planned>() + size_of::<Run>())
            + 4 * ALIGNMENT
    }

    /// Makes room for batches of this image.
    pub(crate) fn new(arena: &mut Arena, registry: &Registry) -> Self {
        let stores = registry.trampolines.len() + registry.calls.len() + registry.labels.len();
        let no_run = Run { address: 0, length: 0, protection: Protection::OPEN };
        Self {
            wanted: arena.slice(registry.keys.len(), |_| None),
            goals: arena.slice(registry.keys.len(), |_| None),
            stores: arena.slice(stores, |_| Planned::NOTHING),
            planned: 0,
            runs: arena.slice(stores, |_| no_run),
            opened: 0,
        }
    }

    /// Makes room for nothing.
    pub(crate) fn bare() -> Self {
        Self {
            wanted: &mut [],
            goals: &mut [],
            stores: &mut [],
            planned: 0,
            runs: &mut [],
            opened: 0,
        }
    }

    /// Returns the planned stores, in order.
    pub(crate) fn stores(&self) -> &[Planned] {
        &self.stores[..self.planned]
    }

    /// Returns all stores in memory, which a holder of the lock that never finished may have
    /// planned.
    pub(crate) fn all_stores(&self) -> &[Planned] {
        self.stores
    }

    /// Forgets the planned stores.
    pub(crate) fn forget_stores(&mut self) {
        self.planned = 0;
    }

    /// Adds a store after the planned ones.
    pub(crate) fn plan(&mut self, planned: Planned) {
        self.stores[self.planned] = planned;
        self.planned += 1;
    }

    /// Returns the page runs of the batch.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs[..self.opened]
    }

    /// Computes the page runs of the planned stores. `pages` returns the pages of one store, if
    /// they are code.
    pub(crate) fn collect_runs(&mut self, pages: impl Fn(&Store) -> Option<Run>) {
        self.opened = 0;
        for planned in &self.stores[..self.planned] {
            if let Some(run) = pages(&planned.store) {
                self.runs[self.opened] = run;
                self.opened += 1;
            }
        }
        self.opened = merge(&mut self.runs[..self.opened]);
    }

    /// Keeps only the first `count` runs: the others were not opened.
    pub(crate) fn keep_runs(&mut self, count: usize) {
        self.opened = count;
    }
}

/// Sorts runs and joins adjacent ones with the same protection; returns how many are left.
fn merge(runs: &mut [Run]) -> usize {
    runs.sort_unstable_by_key(|run| run.address);
    let mut last = 0;
    for i in 1..runs.len() {
        let (before, run) = (runs[last], runs[i]);
        let end = before.address + before.length;
        if run.address <= end && run.protection == before.protection {
            runs[last].length = end.max(run.address + run.length) - before.address;
        } else {
            last += 1;
            runs[last] = run;
        }
    }
    (last + 1).min(runs.len())
}
