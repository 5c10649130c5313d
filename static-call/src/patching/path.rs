//! The paths of call instructions and jump labels, told from the registry.

use crate::layout::{Grade, Kind};
use crate::patching::cap::Cap;
use crate::patching::image::TableFault;
use crate::patching::plan::Lead;
use crate::patching::registry::{Call, Label, Patching, Registry, Trampoline, Ungraded};
use crate::path::{Path, Reason};
use crate::update::Update;

/// Adds a key's call instructions to `update`.
pub(crate) fn count(registry: &Registry, key: usize, update: &mut Update) {
    let state = &registry.keys[key];
    let mut add = |path| match path {
        Path::Inline => update.inline += 1,
        Path::Trampoline => update.trampoline += 1,
        Path::Indirect => update.indirect += 1,
    };
    if registry.table.is_err() {
        for trampoline in &registry.trampolines[state.trampolines()] {
            add(of_trampoline(registry, trampoline).0);
        }
    }
    for call in &registry.calls[state.calls()] {
        add(of_call(registry, call).0);
    }
    for label in &registry.labels[state.labels()] {
        add(of_label(registry, label).0);
    }
}

/// The path of a jump label: bound, its bytes are the answer; else the cold block asks the key.
pub(crate) fn of_label(registry: &Registry, label: &Label) -> (Path, Option<Reason>) {
    let reason = match registry.cap {
        _ if label.fault.is_some() => Reason::Changed,
        Cap::Trampoline | Cap::Retarget => Reason::Capped,
        _ if is_bound(registry, label.key) => return (Path::Inline, None),
        _ => why_indirect(registry, false),
    };
    (Path::Indirect, Some(reason))
}

/// The path of a recorded call instruction.
pub(crate) fn of_call(registry: &Registry, call: &Call) -> (Path, Option<Reason>) {
    if call.lead != Lead::Trampoline {
        return (Path::Inline, None);
    }
    let trampoline = &registry.trampolines[call.trampoline as usize];
    let (path, why_not_jump) = of_trampoline(registry, trampoline);
    if path == Path::Indirect {
        return (path, why_not_jump);
    }
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
        (_, Grade::Line) => Reason::Line,
        (_, Grade::Straddle) => Reason::Straddle,
        (_, Grade::Quad | Grade::Disp) if registry.cap == Cap::Trampoline => Reason::Capped,
        (_, Grade::Quad | Grade::Disp) => Reason::TooFar,
    };
    (path, Some(reason))
}

/// The path of an instruction that calls this trampoline and is not patched itself; of an
/// unverified image that is all there is to know.
pub(crate) fn of_trampoline(
    registry: &Registry,
    trampoline: &Trampoline,
) -> (Path, Option<Reason>) {
    if trampoline.now != trampoline.linked {
        let reason = match registry.table {
            Ok(()) => None,
            Err(TableFault::Absent) => Some(Reason::NotVerified),
            Err(_) => Some(Reason::TableRefused),
        };
        return (Path::Trampoline, reason);
    }
    let reason = match why_indirect(registry, trampoline.fault.is_some()) {
        Reason::NotBound if is_bound(registry, trampoline.key) => Reason::TooFar,
        reason => reason,
    };
    (Path::Indirect, Some(reason))
}

fn is_bound(registry: &Registry, key: u32) -> bool {
    registry.keys.get(key as usize).is_some_and(|key| key.bound)
}

/// Why code is as it was linked.
fn why_indirect(registry: &Registry, is_faulty: bool) -> Reason {
    match registry.patching {
        Patching::Capped => Reason::Capped,
        Patching::Refused(errno) => Reason::Refused(errno),
        Patching::NoHeaders => Reason::NoHeaders,
        Patching::NoMemory(errno) => Reason::NoMemory(errno),
        Patching::Works => match registry.lost_permission {
            _ if is_faulty => Reason::Changed,
            Some(errno) => Reason::Refused(errno),
            None => Reason::NotBound,
        },
    }
}
