//! The batch at hand: the wanted targets, the stores they require, and the pages of those stores.

use crate::patching::arena::{ALIGNMENT, Arena};
use crate::patching::plan::{Goal, LabelForm, Lead, Route, Step, Store, Width};
use crate::patching::registry::{Call, Registry, Sections};
use crate::sys::Protection;
use crate::target::Chosen;

/// Stages of a batch: one for each step of a retargeting. Instructions that one store retargets are
/// in the first.
pub(crate) const STAGES: usize = 3;

/// The memory of a batch. Nothing in it outlives the commit, unless a `fork` interrupts that.
pub(crate) struct Pending {
    /// The target that the batch gives to each key that it touches.
    wanted: &'static mut [Option<Chosen>],
    /// The keys that it touches; the first `touched` are in use.
    keys: &'static mut [u32],
    touched: usize,
    /// What the target of each key that it touches requires of the key's code.
    pub(crate) goals: &'static mut [Option<Goal>],
    /// Call instructions that are planned after the veneers were made; the first `waits` are in
    /// use.
    waiting: &'static mut [u32],
    waits: usize,
    /// The stores of each stage.
    stages: [Stage; STAGES],
    /// The last stage that has the first store of an instruction.
    last_start: usize,
    /// Whether a store changes a part of a displacement.
    changes_parts: bool,
    /// Room for as many runs; the first `opened` are in use.
    runs: &'static mut [Run],
    opened: usize,
}

/// Room for the stores of a stage; the first `planned` are in use.
struct Stage {
    stores: &'static mut [Planned],
    planned: usize,
}

/// A store to be made, and whose bytes it changes.
#[derive(Clone, Copy)]
pub(crate) struct Planned {
    /// INV-STORE: made by `plan`, so the grade of the instruction allows it.
    pub(crate) store: Store,
    pub(crate) subject: Subject,
}

/// Whose bytes a store changes.
// So that it is copied by words.
#[repr(usize)]
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    /// Index of a trampoline.
    Trampoline(usize),
    /// Index of a call instruction, and where it leads before and afterwards.
    Call { index: usize, from: Lead, to: Lead },
    /// Index of a jump label, and what it is afterwards.
    Label(usize, LabelForm),
}

impl Subject {
    /// Returns its place in the order of stores.
    fn rank(&self) -> u8 {
        match self {
            Self::Trampoline(_) => 0,
            Self::Label(..) => 1,
            Self::Call { .. } => 2,
        }
    }
}

/// Consecutive pages of one segment. INV-PAGES: whole pages of this image's code.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) address: usize,
    pub(crate) length: usize,
    /// The protection that the pages were linked with.
    pub(crate) protection: Protection,
    /// Where their copy is in the alias, if there is one.
    pub(crate) offset: usize,
}

impl Planned {
    const NOTHING: Self = Self {
        store: Store { address: 0, length: 0, old: 0, new: 0, width: Width::Quadword },
        subject: Subject::Trampoline(0),
    };
}

/// Returns how many stores each stage may have: one for each trampoline, jump label and call
/// instruction, then one for each call instruction that takes steps.
fn room(trampolines: usize, calls: usize, labels: usize, in_steps: usize) -> [usize; STAGES] {
    [trampolines + calls + labels, in_steps, in_steps]
}

impl Pending {
    /// Returns the bytes of the arena that batches of this image need.
    pub(crate) fn size(sections: &Sections) -> usize {
        let (trampolines, labels) = (sections.trampolines.len(), sections.labels.len());
        let room = room(trampolines, sections.call_count(), labels, sections.count_in_steps());
        let stores: usize = room.iter().sum();
        let key = size_of::<Option<Chosen>>() + size_of::<u32>() + size_of::<Option<Goal>>();
        sections.keys.len() * key
            + stores * (size_of::<Planned>() + size_of::<Run>())
            + sections.count_in_steps() * size_of::<u32>()
            + 8 * ALIGNMENT
    }

    /// Makes room for batches of this image.
    pub(crate) fn new(arena: &mut Arena, registry: &Registry) -> Self {
        let takes_steps = |call: &&Call| call.shape.is_some_and(|shape| shape.split.is_some());
        let in_steps = registry.calls.iter().filter(takes_steps).count();
        let (trampolines, labels) = (registry.trampolines.len(), registry.labels.len());
        let room = room(trampolines, registry.calls.len(), labels, in_steps);
        let no_run = Run { address: 0, length: 0, protection: Protection::OPEN, offset: 0 };
        let mut stage =
            |room| Stage { stores: arena.slice(room, |_| Planned::NOTHING), planned: 0 };
        Self {
            stages: room.map(&mut stage),
            last_start: 0,
            changes_parts: false,
            wanted: arena.slice(registry.keys.len(), |_| None),
            keys: arena.slice(registry.keys.len(), |_| 0),
            touched: 0,
            goals: arena.slice(registry.keys.len(), |_| None),
            waiting: arena.slice(in_steps, |_| 0),
            waits: 0,
            runs: arena.slice(room.iter().sum(), |_| no_run),
            opened: 0,
        }
    }

    /// Makes room for nothing.
    pub(crate) fn bare() -> Self {
        Self {
            wanted: &mut [],
            keys: &mut [],
            touched: 0,
            goals: &mut [],
            waiting: &mut [],
            waits: 0,
            stages: [(); STAGES].map(|()| Stage { stores: &mut [], planned: 0 }),
            last_start: 0,
            changes_parts: false,
            runs: &mut [],
            opened: 0,
        }
    }

    /// Gives a key the target that the batch wants, instead of one that it gave before.
    pub(crate) fn want(&mut self, key: usize, target: Chosen) {
        if self.wanted[key].replace(target).is_none() {
            self.keys[self.touched] = key as u32;
            self.touched += 1;
        }
    }

    /// Returns the target that the batch gives to a key, if it touches it.
    pub(crate) fn wanted(&self, key: usize) -> Option<Chosen> {
        self.wanted[key]
    }

    /// Returns how many keys the batch touches.
    pub(crate) fn touched(&self) -> usize {
        self.touched
    }

    /// Returns one of the keys that the batch touches.
    pub(crate) fn key(&self, i: usize) -> usize {
        self.keys[i] as usize
    }

    /// Returns the keys that the batch touches.
    pub(crate) fn keys(&self) -> impl Iterator<Item = usize> {
        self.keys[..self.touched].iter().map(|&key| key as usize)
    }

    /// Forgets the wanted targets.
    pub(crate) fn forget(&mut self) {
        for key in &self.keys[..self.touched] {
            self.wanted[*key as usize] = None;
        }
        self.touched = 0;
    }

    /// Returns the planned stores of a stage, in order.
    pub(crate) fn stores(&self, stage: usize) -> &[Planned] {
        let Stage { stores, planned } = &self.stages[stage];
        &stores[..*planned]
    }

    /// Returns whether stores are planned for this stage or a later one.
    pub(crate) fn goes_on(&self, stage: usize) -> bool {
        self.stages[stage..].iter().any(|stage| stage.planned > 0)
    }

    /// Returns how many stages, from the first, hold the first stores of all instructions.
    pub(crate) fn starting_stages(&self) -> usize {
        self.last_start + 1
    }

    /// Returns whether a store changes a part of a displacement.
    pub(crate) fn changes_parts(&self) -> bool {
        self.changes_parts
    }

    /// Returns all stores in memory, which a holder of the lock that never finished may have
    /// planned.
    pub(crate) fn stores_in_memory(&self) -> impl Iterator<Item = &Planned> {
        self.stages.iter().flat_map(|stage| &*stage.stores)
    }

    /// Forgets the planned stores.
    pub(crate) fn forget_stores(&mut self) {
        (self.waits, self.last_start, self.changes_parts) = (0, 0, false);
        for stage in &mut self.stages {
            stage.planned = 0;
        }
    }

    /// Adds a store after the planned ones of a stage. In the first stage, code that other code
    /// leads to comes first: trampolines, then labels, then calls.
    pub(crate) fn plan(&mut self, stage: usize, planned: Planned) {
        let last = self.stores(stage).last();
        debug_assert!(last.is_none_or(|last| last.subject.rank() <= planned.subject.rank()));
        self.changes_parts |= matches!(planned.store.width, Width::Part { .. });
        let stage = &mut self.stages[stage];
        stage.stores[stage.planned] = planned;
        stage.planned += 1;
    }

    /// Adds the steps of a call instruction to their stages.
    #[inline]
    pub(crate) fn plan_route(&mut self, index: usize, route: &Route) {
        let first = route.iter().position(Option::is_some);
        self.last_start = self.last_start.max(first.unwrap_or_default());
        for (stage, step) in route.iter().enumerate() {
            let Some(Step { store, from, to }) = *step else { continue };
            self.plan(stage, Planned { store, subject: Subject::Call { index, from, to } });
        }
    }

    /// Has a call instruction planned after the veneers were made.
    pub(crate) fn wait(&mut self, call: usize) {
        self.waiting[self.waits] = call as u32;
        self.waits += 1;
    }

    /// Returns how many call instructions wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waits
    }

    /// Returns the index of a waiting call instruction.
    pub(crate) fn waiting_call(&self, n: usize) -> usize {
        self.waiting[n] as usize
    }

    /// Returns the page runs of the batch.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs[..self.opened]
    }

    /// Computes the page runs of the planned stores. `pages` returns the pages of one store, if
    /// they are code.
    pub(crate) fn collect_runs(&mut self, pages: impl Fn(&Store) -> Option<Run>) {
        // All steps of an instruction are in the same pages.
        let starting = ..self.starting_stages();
        let Self { stages, runs, .. } = self;
        let planned = stages[starting].iter().flat_map(|stage| &stage.stores[..stage.planned]);
        let found = planned.filter_map(|planned| pages(&planned.store));
        self.opened = collect(runs, found);
    }

    /// Computes the page runs of all these pages, at most one for each trampoline, call instruction
    /// and jump label.
    pub(crate) fn collect_all_runs(&mut self, pages: impl Iterator<Item = Run>) {
        self.opened = collect(self.runs, pages);
    }

    /// Returns the page runs of the batch, to note where their copies are.
    pub(crate) fn runs_mut(&mut self) -> &mut [Run] {
        &mut self.runs[..self.opened]
    }

    /// Returns the offset in the alias of code in an open page.
    ///
    /// # Panics
    ///
    /// Panics if the code does not lie in a run. That is a bug.
    pub(crate) fn offset(&self, address: usize) -> usize {
        let after = self.runs().partition_point(|run| run.address <= address);
        let run = &self.runs()[after - 1];
        assert!(address - run.address < run.length, "{address:#x} is not in an open page");
        run.offset + (address - run.address)
    }

    /// Keeps only the first `count` runs: the others were not opened.
    pub(crate) fn keep_runs(&mut self, count: usize) {
        self.opened = count;
    }
}

/// Writes runs into `runs`, sorted and joined. Returns how many there are.
fn collect(runs: &mut [Run], found: impl Iterator<Item = Run>) -> usize {
    let mut count = 0;
    // Most of what is found follows what was found before, and need not be sorted.
    found.for_each(|run| count = join(runs, count, run));
    runs[..count].sort_unstable_by_key(|run| run.address);
    (0..count).fold(0, |last, i| join(runs, last, runs[i]))
}

/// Joins a run with the last of `count` runs if they are adjacent and have the same protection, or
/// else adds it. Returns how many there are.
fn join(runs: &mut [Run], count: usize, run: Run) -> usize {
    if let Some(last) = runs[..count].last_mut() {
        let end = last.address + last.length;
        let is_adjacent = (last.address..=end).contains(&run.address);
        if is_adjacent && run.protection == last.protection {
            last.length = end.max(run.address + run.length) - last.address;
            return count;
        }
    }
    runs[count] = run;
    count + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::sys::PAGE;

    proptest! {
        /// Runs hold each page that was found, with its protection, and no other; they are sorted,
        /// and none continues the one before.
        #[test]
        fn runs_hold_the_pages_that_were_found(
            found in prop::collection::vec((0..40_usize, 1..3_usize), 0..60),
        ) {
            // A page has one protection: here that of its part of the address space.
            let protection = |page: usize| Protection([5, 7][page / 20]);
            let run = |page: usize, pages: usize| Run {
                address: page * PAGE,
                length: pages.min(20 - page % 20) * PAGE,
                protection: protection(page),
                offset: 0,
            };
            let found: Vec<_> = found.into_iter().map(|(page, pages)| run(page, pages)).collect();
            let pages = |runs: &[Run]| -> BTreeMap<usize, u32> {
                let of = |run: &Run| {
                    let flags = run.protection.0;
                    (run.address..run.address + run.length).step_by(PAGE).map(move |p| (p, flags))
                };
                runs.iter().flat_map(of).collect()
            };
            let mut runs = std::vec![run(0, 1); found.len()];
            let count = collect(&mut runs, found.iter().copied());
            let runs = &runs[..count];
            prop_assert_eq!(pages(runs), pages(&found));
            for pair in runs.windows(2) {
                let end = pair[0].address + pair[0].length;
                let continues = end == pair[1].address && pair[0].protection == pair[1].protection;
                prop_assert!(end <= pair[1].address && !continues);
            }
        }

        /// The first store of every instruction is in a starting stage, and the last of them has
        /// one.
        #[test]
        fn starting_stages_have_the_first_stores(
            routes in prop::collection::vec(prop::array::uniform3(any::<bool>()), 0..8),
        ) {
            let stage = |_| Stage {
                stores: std::vec![Planned::NOTHING; routes.len()].leak(),
                planned: 0,
            };
            let mut pending = Pending { stages: [(); STAGES].map(stage), ..Pending::bare() };
            let store = Planned::NOTHING.store;
            let step = Step { store, from: Lead::Linked, to: Lead::Linked };
            for (index, route) in routes.iter().enumerate() {
                pending.plan_route(index, &route.map(|is_made| is_made.then_some(step)));
            }
            let starts = routes.iter().filter_map(|route| route.iter().position(|&made| made));
            prop_assert_eq!(pending.starting_stages() - 1, starts.max().unwrap_or_default());
            pending.forget_stores();
            prop_assert_eq!(pending.starting_stages(), 1);
        }
    }
}
