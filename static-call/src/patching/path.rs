//! The paths of call instructions and jump labels, derived from the state.

use crate::layout::{Grade, Kind};
use crate::patching::cap::Cap;
use crate::patching::hop;
use crate::patching::image::TableFault;
use crate::patching::plan::{LabelForm, Lead};
use crate::patching::registry::Ungraded;
use crate::patching::state::{Patching, State};
use crate::path::{Path, Reason};
use crate::update::Update;

/// Adds a key's call instructions to `update`.
pub(crate) fn count(state: &State, key: usize, update: &mut Update) {
    let entry = &state.registry.keys[key];
    let mut add = |path| match path {
        Path::Inline => update.inline += 1,
        Path::Trampoline => update.trampoline += 1,
        Path::Indirect => update.indirect += 1,
    };
    if state.registry.table.is_err() {
        entry.trampolines().for_each(|i| add(of_trampoline(state, i).0));
    }
    entry.calls().for_each(|i| add(of_call(state, i).0));
    entry.labels().for_each(|i| add(of_label(state, i).0));
    let is_unfinished = |lead: &&Lead| matches!(lead, Lead::Veneer(_));
    update.unfinished += state.written.calls[entry.calls()].iter().filter(is_unfinished).count();
}

/// Returns the path of a jump label. Once bound, its bytes are the answer; otherwise its test reads
/// memory.
pub(crate) fn of_label(state: &State, i: usize) -> (Path, Option<Reason>) {
    let label = &state.registry.labels[i];
    let reason = match state.limits.cap {
        _ if label.fault.is_some() => Reason::Changed,
        _ if state.written.labels[i] != LabelForm::Test => return (Path::Inline, None),
        Cap::Trampoline | Cap::Retarget => Reason::Capped,
        _ => why_indirect(state, false),
    };
    (Path::Indirect, Some(reason))
}

/// Returns the path of a recorded call instruction.
pub(crate) fn of_call(state: &State, i: usize) -> (Path, Option<Reason>) {
    match state.written.calls[i] {
        Lead::Linked => {}
        Lead::Veneer(_) => return (Path::Indirect, Some(Reason::Unfinished)),
        Lead::Address(_) | Lead::Nop | Lead::Constant(_) => return (Path::Inline, None),
    }
    let call = &state.registry.calls[i];
    let (path, why_not_jump) = of_trampoline(state, call.trampoline as usize);
    if path == Path::Indirect {
        return (path, why_not_jump);
    }
    let reaches_stub = call.shape.is_some_and(|shape| {
        shape.home() != state.registry.trampolines[call.trampoline as usize].address
    });
    let path = if reaches_stub { Path::Indirect } else { path };
    let reason = match (call.kind, call.grade) {
        _ if call.fault.is_some() => Reason::Changed,
        (Kind::CallGot | Kind::JmpGot, _) => Reason::ThroughGot,
        (Kind::Register, _) => Reason::ThroughRegister,
        (Kind::AddressTaken | Kind::Label, _) => Reason::AddressTaken,
        (_, Grade::None) => match call.ungraded {
            Ungraded::Short => Reason::ShortJump,
            Ungraded::Prefix => Reason::UnusualPrefix,
            Ungraded::Elsewhere => Reason::ThroughPlt,
            Ungraded::Unproved => Reason::NotProved,
        },
        _ if state.limits.cap == Cap::Trampoline => Reason::Capped,
        (_, Grade::Quad | Grade::Disp) => Reason::TooFar,
        (_, Grade::Line | Grade::Straddle) => why_no_steps(state, i),
    };
    (path, Some(reason))
}

/// Returns why an instruction that takes steps still leads to its trampoline.
fn why_no_steps(state: &State, i: usize) -> Reason {
    let call = &state.registry.calls[i];
    if state.limits.cap == Cap::NoSteps {
        return Reason::Capped;
    }
    if let Some(errno) = state.limits.barrier.err().or(state.left.unsettled) {
        return Reason::NoBarrier(errno);
    }
    let key = state.registry.keys.get(call.key as usize);
    let target = key.map(|key| key.record.current().record().address().addr() as u64);
    let target = target.map(|target| hop::skip(&state.registry, target));
    let is_near = |to| call.shape.is_some_and(|shape| shape.bytes(Lead::Address(to)).is_some());
    match target.is_some_and(is_near) {
        true if state.veneers.have_no_room(i) => Reason::NoVeneer(0),
        true => Reason::NoVeneer(state.veneers.refused.unwrap_or(0)),
        false => Reason::TooFar,
    }
}

/// Returns the path of an instruction that calls this trampoline and is not patched itself. In an
/// image that was not verified, nothing more is known.
pub(crate) fn of_trampoline(state: &State, i: usize) -> (Path, Option<Reason>) {
    let trampoline = &state.registry.trampolines[i];
    if state.written.trampolines[i] != trampoline.linked {
        return (Path::Trampoline, why_unlisted(state));
    }
    let reason = match why_indirect(state, trampoline.fault.is_some()) {
        Reason::NotBound if is_bound(state, trampoline.key) => Reason::TooFar,
        reason => reason,
    };
    (Path::Indirect, Some(reason))
}

fn is_bound(state: &State, key: u32) -> bool {
    state.written.bound.get(key as usize).is_some_and(|&bound| bound)
}

/// Returns why code is still as linked.
fn why_indirect(state: &State, is_faulty: bool) -> Reason {
    why_unpatched(state).unwrap_or(match state.left.lost_permission {
        _ if is_faulty => Reason::Changed,
        Some(errno) => Reason::Refused(errno),
        None => Reason::NotBound,
    })
}

/// Returns why no code is ever patched, if it is not.
pub(crate) fn why_unpatched(state: &State) -> Option<Reason> {
    match state.limits.patching {
        Patching::Capped => Some(Reason::Capped),
        Patching::Refused(errno) => Some(Reason::Refused(errno)),
        Patching::NoHeaders => Some(Reason::NoHeaders),
        Patching::NoMemory(errno) => Some(Reason::NoMemory(errno)),
        Patching::Works | Patching::Untried => None,
    }
}

/// Returns why the table is not used, if it is not.
pub(crate) fn why_unlisted(state: &State) -> Option<Reason> {
    match state.registry.table {
        Ok(()) => None,
        Err(TableFault::Absent) => Some(Reason::NotVerified),
        Err(_) => Some(Reason::TableRefused),
    }
}
