//! Retargeting in steps: the veneers that a call instruction needs, and its way to a new target
//! (SAFETY.md, "Retargeting in steps").
//!
//! An instruction never leads to a target from which it could not get back to its trampoline: for
//! that, one store or the veneers that exist must be enough.

use crate::arch::native::Split;
use crate::patching::cap::Cap;
use crate::patching::plan::{CallShape, Lead, Route, Step};
use crate::patching::state::State;
use crate::patching::veneer::{Areas, LAYERS, Room};

/// Returns whether instructions whose displacement is split may be retargeted at all. Without a
/// barrier between steps that is not safe.
pub(crate) fn are_allowed(state: &State) -> bool {
    state.limits.barrier.is_ok()
        && matches!(state.limits.cap, Cap::Inline | Cap::Retarget | Cap::Unknown)
}

/// A call instruction whose displacement is split.
#[derive(Clone, Copy)]
struct Site {
    shape: CallShape,
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
        let shape = call.shape.filter(|_| call.fault.is_none())?;
        let slot = state.registry.keys.get(call.key as usize)?.record.slot_address() as u64;
        Some(Self { shape, split: shape.split?, key: call.key, slot, now: state.written.calls[i] })
    }

    /// Returns the windows in which the instruction's veneers may be, in order.
    fn windows(&self, areas: Areas) -> impl Iterator<Item = i32> {
        let Self { split, key, .. } = *self;
        let end = self.shape.end();
        (0..LAYERS).filter_map(move |layer| areas.window(split, key, end, layer))
    }

    /// Makes the veneer that stands for `lead` in a window.
    fn make(&self, state: &mut State, lead: Lead, window: i32, room: Room) -> bool {
        let at = self.shape.veneer(self.split, lead, window);
        at.is_some_and(|at| state.veneers.make(at, self.slot, room))
    }

    /// Returns whether all these leads have a veneer in a window.
    fn are_ready(&self, state: &State, leads: [Lead; 3], window: i32) -> bool {
        leads.iter().all(|&lead| {
            let at = self.shape.veneer(self.split, lead, window);
            at.is_some_and(|at| state.veneers.is_ready(at, self.slot))
        })
    }

    /// Returns the steps to `to`, with one store or through veneers that are ready, from which the
    /// instruction can get back to its trampoline.
    fn route(&self, state: &State, to: Lead) -> Option<Route> {
        let one = |to| self.shape.store(self.now, to).ok();
        let returns = |window| self.are_ready(state, [to, to, Lead::Linked], window);
        let windows = || self.windows(state.veneers.areas);
        if let Some(store) = one(to) {
            let has_way_back = self.shape.store(to, Lead::Linked).is_ok() || windows().any(returns);
            let step = store.map(|store| Step { store, from: self.now, to });
            return has_way_back.then_some([step, None, None]);
        }
        let window = windows()
            .find(|&window| self.are_ready(state, [self.now, to, Lead::Linked], window))?;
        self.shape.route(self.now, to, window)
    }
}

/// Makes the veneers that an instruction needs to be retargeted, if its displacement is split. They
/// are ready after `finish`. Where one cannot be had, the instruction goes to its trampoline.
///
/// The first step leads to the veneer of the old target. That one exists since the instruction got
/// this target, or else is made in a page that no thread has executed: no barrier comes before the
/// first step.
pub(crate) fn prepare(state: &mut State, i: usize, to: Lead) {
    let Some(site) = Site::of(state, i).filter(|site| site.now != to) else { return };
    make_homes(state, site.split, site.key);
    for window in site.windows(state.veneers.areas) {
        // One store is enough now, and perhaps not the next time.
        let from = if site.shape.store(site.now, to).is_ok() { Lead::Linked } else { site.now };
        let made = site.make(state, to, window, Room::Any)
            && site.make(state, Lead::Linked, window, Room::New)
            && site.make(state, from, window, Room::New);
        if made {
            return;
        }
    }
}

/// Makes the veneers of the trampolines of all keys that use the same pages as this one, and those
/// of where their calls lead, before any of these pages is executed.
fn make_homes(state: &mut State, split: Split, key: u32) {
    let which = usize::from(split.before()) - 1;
    if state.veneers.homes[key as usize][which] {
        return;
    }
    for other in Areas::sharing(split, key, state.registry.keys.len() as u32) {
        state.veneers.homes[other as usize][which] = true;
        for i in state.registry.keys[other as usize].calls() {
            let Some(site) = Site::of(state, i).filter(|site| site.split == split) else {
                continue;
            };
            // What is bound in the file needs a veneer of its default, too, before its first step.
            let mut windows = site.windows(state.veneers.areas);
            if site.now == Lead::Linked {
                windows.next().map(|window| site.make(state, Lead::Linked, window, Room::New));
                continue;
            }
            let ends = [Lead::Linked, site.now];
            windows
                .find(|&window| ends.iter().all(|&lead| site.make(state, lead, window, Room::New)));
        }
    }
}

/// How an instruction whose displacement is split reaches what it should.
pub(crate) enum Way {
    /// By these steps.
    Route(Route),
    /// It already leads to its trampoline, its stub or a veneer, and stays there.
    Stay,
    /// It leads to its old target and cannot leave it.
    Stuck,
}

/// Returns the way of an instruction to `to`, or else to its trampoline.
pub(crate) fn way(state: &State, i: usize, to: Lead) -> Way {
    let Some(site) = Site::of(state, i).filter(|site| site.now != to) else { return Way::Stay };
    if state.left.unsettled.is_none() {
        let mut routes = [to, Lead::Linked].into_iter().filter_map(|to| site.route(state, to));
        if let Some(route) = routes.next() {
            return Way::Route(route);
        }
    }
    match site.now {
        Lead::Linked | Lead::Veneer(_) => Way::Stay,
        _ => Way::Stuck,
    }
}
