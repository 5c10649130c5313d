//! Chooses the stores of a batch: from the wanted targets of its keys to the bytes to write.

use crate::arch::native::effect::Effect;
use crate::patching::cap::Cap;
use crate::patching::hop;
use crate::patching::pending::{Planned, Subject};
use crate::patching::plan::{Goal, LabelShape, Lead, trampoline_bytes, trampoline_store};
use crate::patching::registry::Trampoline;
use crate::patching::state::State;
use crate::record::KeyRecord;

/// What a batch does to the keys that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Makes their code follow their targets.
    Bind,
    /// Restores their code as linked: trampolines go through the slot.
    Unbind,
}

/// The order of stores: code that other code leads to is patched first.
#[derive(Clone, Copy)]
enum Patched {
    Trampolines,
    Labels,
    Calls,
}

/// Plans the stores of the touched keys: trampolines first, then jump labels, then call
/// instructions.
pub(crate) fn stores(state: &mut State, aim: Aim) {
    for key in 0..state.registry.keys.len() {
        state.pending.goals[key] = goal(state, key);
    }
    for patched in [Patched::Trampolines, Patched::Labels, Patched::Calls] {
        for key in 0..state.registry.keys.len() {
            let entry = &state.registry.keys[key];
            let Some(goal) = state.pending.goals[key] else { continue };
            let range = match patched {
                Patched::Trampolines => entry.trampolines(),
                Patched::Labels => entry.labels(),
                Patched::Calls => entry.calls(),
            };
            for i in range {
                let planned = match patched {
                    Patched::Trampolines => of_trampoline(state, i, goal, aim),
                    Patched::Labels => of_label(state, i, goal, aim),
                    Patched::Calls => of_call(state, i, goal, aim),
                };
                if let Some(planned) = planned {
                    state.pending.plan(planned);
                }
            }
        }
    }
}

/// Returns what a touched key requires of its code.
fn goal(state: &State, key: usize) -> Option<Goal> {
    let target = state.pending.wanted[key]?;
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

fn of_trampoline(state: &State, i: usize, goal: Goal, aim: Aim) -> Option<Planned> {
    let trampoline = &state.registry.trampolines[i];
    let is_twin =
        |before: &Trampoline| before.address == trampoline.address && before.fault.is_none();
    if trampoline.fault.is_some() || i > 0 && is_twin(&state.registry.trampolines[i - 1]) {
        return None;
    }
    let target = match aim {
        Aim::Bind => Some(goal.target),
        Aim::Unbind => None,
    };
    let new = trampoline_bytes(trampoline.address, trampoline.linked, target);
    let store = trampoline_store(trampoline.address, state.written.trampolines[i], new)?;
    Some(Planned { store, subject: Subject::Trampoline(i) })
}

fn of_label(state: &State, i: usize, goal: Goal, aim: Aim) -> Option<Planned> {
    let label = &state.registry.labels[i];
    let falls_through = binds_in_place(state, aim)
        && state.limits.cap != Cap::Retarget
        && LabelShape::falls_through(label.polarity, goal.is_on);
    let store = label.shape?.store(state.written.labels[i], falls_through)?;
    Some(Planned { store, subject: Subject::Label(i, falls_through) })
}

fn of_call(state: &State, i: usize, goal: Goal, aim: Aim) -> Option<Planned> {
    let call = &state.registry.calls[i];
    let shape = call.shape.filter(|_| call.fault.is_none())?;
    let lead = if binds_in_place(state, aim) { shape.lead(goal) } else { Lead::Trampoline };
    // A lead chosen by the shape itself is always possible.
    let store = shape.store(state.written.calls[i], lead).ok()??;
    Some(Planned { store, subject: Subject::Call(i, lead) })
}

/// Returns whether call instructions and labels themselves are patched.
fn binds_in_place(state: &State, aim: Aim) -> bool {
    aim == Aim::Bind && matches!(state.limits.cap, Cap::Inline | Cap::Retarget | Cap::Unknown)
}
