//! Retargeting in steps: the veneers that a call instruction needs, and its way to a new target
//! (SAFETY.md, "Retargeting in steps").
//!
//! An instruction never leads to a target from which it could not get back to its trampoline: for
//! that, one store or the veneers that exist must be enough.

#[cfg(test)]
mod tests;

use core::cmp::Reverse;

use crate::arch::native::Split;
use crate::patching::cap::Cap;
use crate::patching::plan::{CallShape, Lead, Route, Step};
use crate::patching::state::State;
use crate::patching::veneer::{Areas, Found, Known, Room, SHARED_LAYERS, SLAB_ENTRIES};

/// Returns whether instructions whose displacement is split may be retargeted at all. Without a
/// barrier between steps that is not safe.
pub(crate) fn are_allowed(state: &State) -> bool {
    state.limits.barrier.is_ok()
        && matches!(state.limits.cap, Cap::Inline | Cap::Retarget | Cap::Unknown)
}

/// A call instruction whose displacement is split.
struct Site {
    index: usize,
    shape: &'static CallShape,
    split: Split,
    key: u32,
    /// Address of the key's slot.
    slot: u64,
    /// Where the instruction leads now.
    now: Lead,
}

impl Site {
    fn of(state: &State, i: usize) -> Option<Self> {
        let call = &state.registry.calls[i];
        let shape = call.shape.as_ref().filter(|_| call.fault.is_none())?;
        let slot = state.registry.keys.get(call.key as usize)?.record.slot_address() as u64;
        let (key, now) = (call.key, state.written.calls[i]);
        Some(Self { index: i, shape, split: shape.split?, key, slot, now })
    }

    /// Returns the window in which the instruction's veneers of a layer are.
    fn window(&self, state: &State, layer: u32) -> Option<i32> {
        state.veneers.areas.window(self.split, self.key, self.shape.end(), layer)
    }

    /// Returns the slab with the instruction's veneers of a layer, if all are in one.
    fn slab(&self, state: &State, layer: u32) -> Option<u64> {
        Areas::are_slabs(self.split).then(|| state.veneers.areas.slab(self.key, layer))
    }

    /// Returns the lead whose veneer the first step to `to` needs. Where one store is enough now,
    /// it may not be the next time.
    fn first(&self, to: Lead) -> Lead {
        if self.shape.store(self.now, to).is_ok() { Lead::Linked } else { self.now }
    }

    /// Makes the veneers that stand for these leads in a layer. Where two overlap, the first
    /// becomes a no-op before the second: so the last is made first.
    fn make(&self, state: &mut State, mut leads: [(Lead, Room); 3], layer: u32) -> bool {
        let Some(window) = self.window(state, layer) else { return false };
        if let Some(slab) = self.slab(state, layer) {
            make_slabs(state, self.key, layer);
            return state.veneers.has_slab(slab, self.slot);
        }
        let at = |lead| self.shape.veneer(self.split, lead, window);
        leads.sort_unstable_by_key(|&(lead, room)| Reverse((at(lead), room == Room::New)));
        leads
            .into_iter()
            .all(|(lead, room)| at(lead).is_some_and(|at| state.veneers.make(at, self.slot, room)))
    }

    /// Makes them in the first layer where they can be had, or are ready. Returns false if there is
    /// none.
    fn make_anywhere(&self, state: &mut State, leads: [(Lead, Room); 3]) -> bool {
        for layer in 0..Areas::layers(self.split) {
            if self.are_ready(state, leads.map(|(lead, _)| lead), layer) {
                return true;
            }
            // In later layers they would stand where a target's veneer must be.
            if layer < SHARED_LAYERS {
                make_homes(state, self.split, self.key, layer);
            }
            if self.make(state, leads, layer) {
                return true;
            }
        }
        false
    }

    /// Returns the displacements now and with another lead.
    fn displacements(&self, to: Lead) -> Option<[i32; 2]> {
        let displacement = |lead| {
            let destination = self.shape.destination(lead)?;
            self.shape.branch.displacement_to(self.shape.address, destination)
        };
        Some([displacement(self.now)?, displacement(to)?])
    }

    /// Returns what earlier updates found out about the veneers that the way to `to` needs.
    fn known(&self, state: &State, to: Lead) -> Found {
        let known = state.veneers.known.get(self.index).zip(self.displacements(to));
        known.map_or(Found::Nothing, |(known, between)| known.get().of(between))
    }

    /// Notes what was found out about them.
    fn note(&self, state: &State, to: Lead, found: Found) {
        let known = state.veneers.known.get(self.index).zip(self.displacements(to));
        if let Some((known, between)) = known {
            known.set(Known { between, found });
        }
    }

    /// Returns whether all these leads have a veneer in a layer.
    fn are_ready(&self, state: &State, leads: [Lead; 3], layer: u32) -> bool {
        let Some(window) = self.window(state, layer) else { return false };
        let mut veneers = leads.iter().map(|&lead| self.shape.veneer(self.split, lead, window));
        match self.slab(state, layer) {
            Some(slab) => {
                let is_inside = |at: u64| (slab..slab + SLAB_ENTRIES).contains(&at);
                state.veneers.is_slab_ready(slab, self.slot)
                    && veneers.all(|at| at.is_some_and(is_inside))
            }
            None => veneers.all(|at| at.is_some_and(|at| state.veneers.is_ready(at, self.slot))),
        }
    }

    /// Returns whether the first step may lead to the veneer of a lead that is ready in a layer. A
    /// slab is older than its page can be executed.
    fn may_begin(&self, state: &State, lead: Lead, layer: u32) -> bool {
        let veneer = || self.shape.veneer(self.split, lead, self.window(state, layer)?);
        Areas::are_slabs(self.split)
            || veneer().is_some_and(|at| state.veneers.is_settled(at, self.slot))
    }

    /// Returns the first layer in which all these leads have a veneer and that `fits`. Notes it if
    /// later updates can use it for the way to `to`.
    fn find(
        &self,
        state: &State,
        to: Lead,
        leads: [Lead; 3],
        fits: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut layers = 0..Areas::layers(self.split);
        let layer = layers.find(|&layer| self.are_ready(state, leads, layer) && fits(layer))?;
        // What is hopeless takes longest to find out, and is not forgotten for this.
        let known = state.veneers.known.get(self.index).map(|known| known.get().found);
        let all = [self.now, to, Lead::Linked];
        let are_settled = || all.iter().all(|&lead| self.may_begin(state, lead, layer));
        if known != Some(Found::Hopeless) && self.are_ready(state, all, layer) && are_settled() {
            self.note(state, to, Found::Layer(layer as u8));
        }
        Some(layer)
    }

    /// Returns the steps to `to`, with one store or through veneers that are ready, from which the
    /// instruction can get back to its trampoline. With `all_veneers`, also those must be ready
    /// that the next update may need.
    #[inline]
    fn route(&self, state: &State, to: Lead, all_veneers: bool) -> Option<Route> {
        let known = match self.known(state, to) {
            Found::Hopeless => return None,
            Found::Layer(layer) => Some(layer.into()),
            Found::Nothing => None,
        };
        if let Ok(store) = self.shape.store(self.now, to) {
            let has_way_back = known.is_some()
                || !all_veneers && self.shape.store(to, Lead::Linked).is_ok()
                || self.find(state, to, [to, to, Lead::Linked], |_| true).is_some();
            let step = store.map(|store| Step { store, from: self.now, to });
            return has_way_back.then_some([step, None, None]);
        }
        let may_begin = |layer| self.may_begin(state, self.now, layer);
        let find = || self.find(state, to, [self.now, to, Lead::Linked], may_begin);
        let layer = known.or_else(find)?;
        self.shape.route(self.now, to, self.window(state, layer)?)
    }
}

/// Returns the steps of an instruction whose displacement is split to `to`, if all veneers are
/// ready that [`prepare`] would make.
#[inline]
pub(crate) fn ready(state: &State, i: usize, to: Lead) -> Option<Route> {
    let site = Site::of(state, i).filter(|_| state.left.unsettled.is_none())?;
    if site.now == to { Some([None; 3]) } else { site.route(state, to, true) }
}

/// Makes the veneers that an instruction needs to be retargeted, if its displacement is split. They
/// are ready after `finish`. Where one cannot be had, the instruction goes to its trampoline.
///
/// The first step leads to the veneer of the old target. That one exists since the instruction got
/// this target, or else is made in a page that no thread has executed: no barrier comes before the
/// first step.
pub(crate) fn prepare(state: &mut State, i: usize, to: Lead) {
    let Some(site) = Site::of(state, i).filter(|site| site.now != to) else { return };
    if site.known(state, to) == Found::Nothing {
        let leads = [(to, Room::Any), (Lead::Linked, Room::New), (site.first(to), Room::New)];
        site.make_anywhere(state, leads);
    }
}

/// Makes the veneers with which the next update can retarget an instruction, if this one cannot:
/// they may lie in pages that are executed, so that a barrier must come before the first step.
pub(crate) fn provide(state: &mut State, i: usize, to: Lead) {
    let Some(site) = Site::of(state, i).filter(|site| site.now != to) else { return };
    if site.known(state, to) == Found::Hopeless || site.route(state, to, false).is_some() {
        return;
    }
    let leads = [to, Lead::Linked, site.first(to)].map(|lead| (lead, Room::Any));
    let refused = state.veneers.refused.take();
    let is_made = site.make_anywhere(state, leads);
    // Memory that was refused may be had another time.
    let is_final = !is_made && state.veneers.refused.is_none();
    state.veneers.refused = state.veneers.refused.or(refused);
    if is_final {
        site.note(state, to, Found::Hopeless);
    }
}

/// Makes the veneers of the trampolines of all keys that use the same pages as this one, and those
/// of where their calls lead, before any of these pages is executed.
fn make_homes(state: &mut State, split: Split, key: u32, layer: u32) {
    let (which, bit) = (usize::from(split.before()) - 1, 1 << layer);
    if Areas::are_slabs(split) || state.veneers.homes[key as usize][which] & bit != 0 {
        return;
    }
    for other in Areas::sharing(split, key, layer, state.registry.keys.len() as u32) {
        state.veneers.homes[other as usize][which] |= bit;
        for i in state.registry.keys[other as usize].calls() {
            if let Some(site) = Site::of(state, i).filter(|site| site.split == split) {
                // What is bound in the file takes its first step to the veneer of its default.
                let leads = [Lead::Linked, site.now, site.now].map(|lead| (lead, Room::New));
                site.make(state, leads, layer);
            }
        }
    }
}

/// Makes the slabs of a key and of all keys in the same page, before that page is executed.
fn make_slabs(state: &mut State, key: u32, layer: u32) {
    let State { registry, veneers, .. } = state;
    for other in Areas::sharing_slabs(key, registry.keys.len() as u32) {
        let slot = registry.keys[other as usize].record.slot_address() as u64;
        let slab = veneers.areas.slab(other, layer);
        if !veneers.make_slab(slab, slot) && !veneers.has_page(slab) {
            return;
        }
    }
}

/// The error of an instruction that leads to its old target and cannot leave it.
pub(crate) struct Stuck;

/// Returns the steps of an instruction to `to`, or else to its trampoline, and where they lead.
/// `None` means that it leads to its trampoline, its stub or a veneer, and stays there.
pub(crate) fn way(state: &State, i: usize, to: Lead) -> Result<Option<(Route, Lead)>, Stuck> {
    let Some(site) = Site::of(state, i).filter(|site| site.now != to) else { return Ok(None) };
    if state.left.unsettled.is_none() {
        for end in [to, Lead::Linked] {
            if let Some(route) = site.route(state, end, false) {
                return Ok(Some((route, end)));
            }
        }
    }
    match site.now {
        Lead::Linked | Lead::Veneer(_) => Ok(None),
        _ => Err(Stuck),
    }
}
