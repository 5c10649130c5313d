//! Chooses the stores of a batch: from the wanted targets of its keys to the bytes to write.
//!
//! The stores of the first stage come in an order: code that other code leads to is patched first.

use core::ops::Range;

use crate::arch::native::effect::Effect;
use crate::error::UpdateError;
use crate::patching::cap::Cap;
use crate::patching::hop;
use crate::patching::pending::{Planned, Subject};
use crate::patching::plan::{
    Goal, LabelForm, LabelShape, Lead, Store, trampoline_bytes, trampoline_store,
};
use crate::patching::registry::{KeyEntry, Trampoline};
use crate::patching::state::State;
use crate::patching::steps::{self, Stuck};
use crate::path::Reason;
use crate::record::KeyRecord;

/// What a batch does to the keys that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Makes their code follow their targets.
    Bind,
    /// Restores their code as linked: trampolines go through the slot.
    Unbind,
}

/// Plans the stores of the touched keys: trampolines first, then jump labels, then call
/// instructions. Calls whose veneers are ready are planned at once, the others after theirs were
/// made.
///
/// # Errors
///
/// [`UpdateError::CannotRetarget`] if an instruction cannot leave its old target. Nothing of the
/// image has changed.
pub(crate) fn stores(state: &mut State, aim: Aim) -> Result<(), UpdateError> {
    for k in 0..state.pending.touched() {
        let key = state.pending.key(k);
        state.pending.goals[key] = goal(state, key);
    }
    for_each(state, KeyEntry::trampolines, |state, i, goal| of_trampoline(state, i, goal, aim));
    for_each(state, KeyEntry::labels, |state, i, goal| of_label(state, i, goal, aim));
    for_each(state, KeyEntry::calls, |state, i, goal| of_call(state, i, goal, aim));
    state.veneers.finish();
    let mut misses = false;
    let planned = for_each_waiting(state, aim, |state, i, to| {
        misses |= !of_waiting(state, i, to, aim)?;
        Ok(())
    });
    // An instruction that is stuck may be able to leave in the next update.
    if (misses || planned.is_err()) && state.limits.barrier.is_ok() {
        for_each_waiting(state, aim, |state, i, to| {
            steps::provide(state, i, to);
            Ok(())
        })?;
        state.veneers.finish();
    }
    planned
}

/// Visits the trampolines, labels or call instructions of the touched keys.
fn for_each(
    state: &mut State,
    which: impl Fn(&KeyEntry) -> Range<usize>,
    mut visit: impl FnMut(&mut State, usize, Goal),
) {
    for k in 0..state.pending.touched() {
        let key = state.pending.key(k);
        let Some(goal) = state.pending.goals[key] else { continue };
        for i in which(&state.registry.keys[key]) {
            visit(state, i, goal);
        }
    }
}

/// Visits the call instructions that wait for veneers, with where they should lead.
fn for_each_waiting(
    state: &mut State,
    aim: Aim,
    mut visit: impl FnMut(&mut State, usize, Lead) -> Result<(), UpdateError>,
) -> Result<(), UpdateError> {
    for n in 0..state.pending.waiting() {
        let i = state.pending.waiting_call(n);
        let key = state.registry.calls[i].key as usize;
        let Some(goal) = state.pending.goals[key] else { continue };
        let to = lead(state, i, goal, aim);
        visit(state, i, to)?;
    }
    Ok(())
}

/// Returns what a touched key requires of its code.
fn goal(state: &State, key: usize) -> Option<Goal> {
    let target = state.pending.wanted(key)?;
    let record = state.registry.keys[key].record;
    let noop = KeyRecord::HAS_NO_BODY | KeyRecord::NOTHING_TO_DROP;
    let is_on = record.is_on_with(target);
    let is_noop = record.has(noop)
        && !record.has(KeyRecord::RETURNS_OPTION)
        && target == record.default_target();
    let target = hop::skip(&state.registry, target.record().address().addr() as u64);
    let effect = match hop::effect(&state.registry, target) {
        _ if state.limits.cap == Cap::Retarget => Effect::Code,
        // Unoptimised code of a default does not show that it does nothing.
        Effect::Code if is_noop => Effect::Nothing,
        effect => effect,
    };
    Some(Goal { target, effect, is_on })
}

fn of_trampoline(state: &mut State, i: usize, goal: Goal, aim: Aim) {
    let trampoline = &state.registry.trampolines[i];
    let is_twin =
        |before: &Trampoline| before.address == trampoline.address && before.fault.is_none();
    if trampoline.fault.is_some() || i > 0 && is_twin(&state.registry.trampolines[i - 1]) {
        return;
    }
    let target = match aim {
        Aim::Bind => Some(goal.target),
        Aim::Unbind => None,
    };
    let new = trampoline_bytes(trampoline.address, trampoline.linked, target);
    let store = trampoline_store(trampoline.address, state.written.trampolines[i], new);
    plan(state, store, Subject::Trampoline(i));
}

fn of_label(state: &mut State, i: usize, goal: Goal, aim: Aim) {
    let label = &state.registry.labels[i];
    let Some(shape) = label.shape else { return };
    let form = match LabelShape::answer(label.polarity, goal.is_on) {
        _ if !binds_in_place(state, aim) => LabelForm::Test,
        // Only the no-op has another first byte, unless the file has it already.
        LabelForm::Next
            if state.limits.cap == Cap::Retarget && label.in_file != LabelForm::Next =>
        {
            LabelForm::Test
        }
        form => form,
    };
    let store = shape.store(state.written.labels[i], form);
    plan(state, store, Subject::Label(i, form));
}

fn of_call(state: &mut State, i: usize, goal: Goal, aim: Aim) {
    let call = &state.registry.calls[i];
    let Some(shape) = call.shape.as_ref().filter(|_| call.fault.is_none()) else { return };
    let to = lead(state, i, goal, aim);
    if shape.split.is_none() {
        let from = state.written.calls[i];
        // A lead chosen by the shape itself is always possible.
        let store = shape.store(from, to).unwrap_or(None);
        plan(state, store, Subject::Call { index: i, from, to });
        return;
    }
    if plan_ready(state, i, to) {
        return;
    }
    // Where steps are not allowed, what is bound in the file still takes some to its trampoline.
    if state.limits.barrier.is_ok() {
        steps::prepare(state, i, to);
    }
    state.pending.wait(i);
}

/// Plans the steps of a call instruction if its veneers are ready; returns whether they are.
fn plan_ready(state: &mut State, i: usize, to: Lead) -> bool {
    let route = steps::ready(state, i, to);
    if let Some(route) = &route {
        state.pending.plan_route(i, route);
    }
    route.is_some()
}

/// Returns whether the waiting call instruction gets the lead that it should.
fn of_waiting(state: &mut State, i: usize, to: Lead, aim: Aim) -> Result<bool, UpdateError> {
    match steps::way(state, i, to) {
        Ok(Some((route, end))) => {
            state.pending.plan_route(i, &route);
            Ok(end == to)
        }
        Ok(None) => Ok(state.written.calls[i] == to),
        // It calls what it should, and stays where it is.
        Err(Stuck) if aim == Aim::Bind && calls_its_target(state, i) => Ok(false),
        Err(Stuck) => Err(stuck(state, i)),
    }
}

/// Returns whether a call instruction of a touched key leads to the wanted target itself.
fn calls_its_target(state: &State, i: usize) -> bool {
    let goal = state.pending.goals[state.registry.calls[i].key as usize];
    goal.is_some_and(|goal| state.written.calls[i] == Lead::Address(goal.target))
}

/// Returns the error of a call instruction that cannot leave its old target.
fn stuck(state: &State, i: usize) -> UpdateError {
    let call = &state.registry.calls[i];
    if state.written.calls[i] == call.in_file && state.left.unsettled.is_none() {
        let key = state.registry.keys[call.key as usize].record.name();
        let no_veneer = Reason::NoVeneer(state.veneers.refused.unwrap_or(0));
        let reason = state.limits.barrier.err().map_or(no_veneer, Reason::NoBarrier);
        return UpdateError::BoundAtLink { key, reason };
    }
    let errno = state.left.unsettled.or(state.veneers.refused).unwrap_or(0);
    UpdateError::CannotRetarget { address: call.address as usize, errno }
}

/// Returns where a call instruction should lead.
fn lead(state: &State, i: usize, goal: Goal, aim: Aim) -> Lead {
    let call = &state.registry.calls[i];
    let Some(shape) = &call.shape else { return Lead::Linked };
    // What is bound in the file calls its target already; that is not worth a store.
    let is_bound = aim == Aim::Bind && call.in_file == Lead::Address(goal.target);
    let stays = || state.limits.barrier.is_err() && state.written.calls[i] == call.in_file;
    match shape.split {
        // Without barriers it can leave its default once and never come back.
        Some(_) if is_bound && stays() => call.in_file,
        Some(_) if !steps::are_allowed(state) => Lead::Linked,
        _ if !binds_in_place(state, aim) => Lead::Linked,
        _ if is_bound => call.in_file,
        _ => shape.lead(goal),
    }
}

fn plan(state: &mut State, store: Option<Store>, subject: Subject) {
    if let Some(store) = store {
        state.pending.plan(0, Planned { store, subject });
    }
}

/// Returns whether call instructions and labels themselves are patched.
fn binds_in_place(state: &State, aim: Aim) -> bool {
    aim == Aim::Bind && !matches!(state.limits.cap, Cap::Trampoline | Cap::Indirect)
}
