//! The ordered protocol of an update. The caller holds the lock.
//!
//! plan and check everything → open all pages → read and check again → publish the slots → store
//! trampolines, then jump labels, then call instructions → close the pages → one barrier. Nothing that can fail
//! stands between the first store and the last, and there is no rollback: calls have been made.

use crate::arch::native::effect::Effect;
use crate::arch::native::store::{exchange_displacement, exchange_quadword};
use crate::error::UpdateError;
use crate::patching::cap::Cap;
use crate::patching::image::Image;
use crate::patching::pages::{close, close_leftovers, open};
use crate::patching::plan::{
    Change, LabelShape, Lead, Width, Wish, trampoline_bytes, trampoline_change,
};
use crate::patching::registry::{KeyState, Patching, Pending, Registry, Subject, Trampoline};
use crate::patching::{hop, path};
use crate::record::KeyRecord;
use crate::sys;
use crate::update::{Barrier, Update};

/// What a batch does to the keys that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Their code follows their targets.
    Bind,
    /// Their code is as linked: trampolines through the slot.
    Unbind,
}

/// Makes the touched keys call their wanted targets: all of them, or none and an error.
pub(crate) fn commit(registry: &mut Registry, aim: Aim) -> Result<Update, UpdateError> {
    let result = commit_touched(registry, aim);
    for key in &mut *registry.keys {
        key.wanted = None;
    }
    result
}

fn commit_touched(registry: &mut Registry, aim: Aim) -> Result<Update, UpdateError> {
    if let Some(key) = (0..registry.keys.len())
        .find(|&k| registry.keys[k].wanted.is_some() && hop::calls_itself(registry, k))
    {
        return Err(UpdateError::CallsItself { key: registry.keys[key].record.name() });
    }
    close_leftovers(registry);
    let works = registry.patching == Patching::Works;
    let bound = works && aim == Aim::Bind;
    let planned = if works { plan(registry, aim) } else { 0 };
    let image = match registry.image {
        Some(image) if planned > 0 => image,
        _ => {
            publish(registry);
            return Ok(finish(registry, bound, Barrier::NotNeeded, Left::default()));
        }
    };
    check(registry, &image, planned)?;
    let runs = match open(registry, &image, planned) {
        Ok(runs) => runs,
        Err(refused) if is_as_linked(registry) => {
            // Lost before anything was bound: the slot alone is right.
            registry.lost_permission = Some(refused.errno);
            publish(registry);
            return Ok(finish(registry, false, Barrier::NotNeeded, Left::default()));
        }
        Err(refused) => {
            return Err(UpdateError::PermissionDenied {
                address: refused.address,
                errno: refused.errno,
            });
        }
    };
    registry.lost_permission = None;
    if let Err(error) = check(registry, &image, planned) {
        registry.pages_left_open = close(registry, runs);
        return Err(error);
    }

    publish(registry);
    let mut left = Left { lost: 0, pages_open: 0 };
    for i in 0..planned {
        let Pending { change, subject } = registry.pending[i];
        if !store(&image, &change) {
            left.lost += 1;
            continue;
        }
        note(registry, &change, subject);
    }
    left.pages_open = close(registry, runs);
    registry.pages_left_open = left.pages_open;
    let barrier = match registry.barrier.and_then(|()| sys::barrier()) {
        Ok(()) => Barrier::Ran,
        Err(errno) => Barrier::Missing(errno),
    };
    Ok(finish(registry, bound, barrier, left))
}

/// Takes over from a holder of the lock that never finished: it was a thread of the process that
/// this one was forked from, and no handler ran. What it stored is found in the code; a batch that it
/// had begun to publish is left for the next commit to finish.
pub(crate) fn recover(registry: &mut Registry) {
    let Some(image) = registry.image else { return };
    for i in 0..registry.pending.len() {
        let Pending { change, subject } = registry.pending[i];
        let length = usize::from(change.length);
        let (code, have) = image.read(change.address as usize);
        if length > 0 && have >= length && code[..length] == change.new[..length] {
            note(registry, &change, subject);
        }
    }
    registry.pages_left_open = 1;
    close_leftovers(registry);
    let is_published = |key: &KeyState| key.wanted.is_some_and(|t| t == key.record.current());
    if !registry.keys.iter().any(is_published) {
        for key in &mut *registry.keys {
            key.wanted = None;
        }
    }
}

/// Remembers that a change is made.
fn note(registry: &mut Registry, change: &Change, subject: Subject) {
    match subject {
        Subject::Trampoline(first) => {
            // A linker that folds identical code leaves several records of one trampoline.
            let twins = registry.trampolines[first..].iter_mut();
            for twin in twins.take_while(|t| t.address == change.address) {
                twin.now = u64::from_le_bytes(change.new);
            }
        }
        Subject::Call(c, lead) => registry.calls[c].lead = lead,
        Subject::Label(l, falls_through) => registry.labels[l].falls_through = falls_through,
    }
}

/// What an update could not finish after its first store.
#[derive(Clone, Copy, Default)]
struct Left {
    lost: usize,
    pages_open: usize,
}

/// Fills the pending stores, trampolines first, then jump labels, then call instructions; returns
/// how many.
fn plan(registry: &mut Registry, aim: Aim) -> usize {
    for key in 0..registry.keys.len() {
        registry.keys[key].wish = wish(registry, key);
    }
    let mut count = 0;
    for patched in [Patched::Trampolines, Patched::Labels, Patched::Calls] {
        for key in 0..registry.keys.len() {
            let state = &registry.keys[key];
            let Some(wish) = state.wish else { continue };
            let range = match patched {
                Patched::Trampolines => state.trampolines(),
                Patched::Labels => state.labels(),
                Patched::Calls => state.calls(),
            };
            for i in range {
                let pending = match patched {
                    Patched::Trampolines => plan_trampoline(registry, i, wish, aim),
                    Patched::Labels => plan_label(registry, i, wish, aim),
                    Patched::Calls => plan_call(registry, i, wish, aim),
                };
                let Some(pending) = pending else { continue };
                registry.pending[count] = pending;
                count += 1;
            }
        }
    }
    count
}

fn plan_trampoline(registry: &Registry, i: usize, wish: Wish, aim: Aim) -> Option<Pending> {
    let trampoline = &registry.trampolines[i];
    let is_twin =
        |before: &Trampoline| before.address == trampoline.address && before.fault.is_none();
    if trampoline.fault.is_some() || i > 0 && is_twin(&registry.trampolines[i - 1]) {
        return None;
    }
    let target = match aim {
        Aim::Bind => Some(wish.target),
        Aim::Unbind => None,
    };
    let new = trampoline_bytes(trampoline.address, trampoline.linked, target);
    let change = trampoline_change(trampoline.address, trampoline.now, new)?;
    Some(Pending { change, subject: Subject::Trampoline(i) })
}

fn plan_label(registry: &Registry, i: usize, wish: Wish, aim: Aim) -> Option<Pending> {
    let label = &registry.labels[i];
    let falls_through = binds_in_place(registry, aim)
        && registry.cap != Cap::Retarget
        && LabelShape::falls_through(label.polarity, wish.is_on);
    let change = label.shape?.change(label.falls_through, falls_through)?;
    Some(Pending { change, subject: Subject::Label(i, falls_through) })
}

/// Whether call instructions and labels are to follow their keys themselves.
fn binds_in_place(registry: &Registry, aim: Aim) -> bool {
    aim == Aim::Bind && matches!(registry.cap, Cap::Inline | Cap::Retarget | Cap::Unknown)
}

fn plan_call(registry: &Registry, i: usize, wish: Wish, aim: Aim) -> Option<Pending> {
    let call = &registry.calls[i];
    let shape = call.shape.filter(|_| call.fault.is_none())?;
    let lead = if binds_in_place(registry, aim) { shape.lead(wish) } else { Lead::Trampoline };
    // A lead that the shape itself chose is always possible.
    let change = shape.change(call.lead, lead).ok()??;
    Some(Pending { change, subject: Subject::Call(i, lead) })
}

#[derive(Clone, Copy)]
enum Patched {
    Trampolines,
    Labels,
    Calls,
}

/// What a touched key asks of its code.
fn wish(registry: &Registry, key: usize) -> Option<Wish> {
    let state = &registry.keys[key];
    let target = state.wanted?;
    let noop = KeyRecord::HAS_NO_BODY | KeyRecord::NOTHING_TO_DROP;
    let is_on = state.record.is_on_with(target);
    let is_noop = state.record.has(noop)
        && !state.record.has(KeyRecord::RETURNS_OPTION)
        && target == state.record.default_target();
    let target = hop::skip(registry, target.record().address().addr() as u64);
    let effect = match hop::effect(registry, target) {
        _ if registry.cap == Cap::Retarget => Effect::Code,
        // Code that is not optimised does not show it.
        Effect::Code if is_noop => Effect::Nothing,
        effect => effect,
    };
    Some(Wish { target, effect, is_on })
}

/// Whether the bytes of every change are what they are believed to be.
fn check(registry: &Registry, image: &Image, count: usize) -> Result<(), UpdateError> {
    for Pending { change, .. } in &registry.pending[..count] {
        let (code, have) = image.read(change.address as usize);
        let length = usize::from(change.length);
        if have < length || code[..length] != change.old[..length] {
            let mut found = [0; 8];
            found[..length].copy_from_slice(&code[..length]);
            return Err(UpdateError::ForeignBytes {
                address: change.address as usize,
                length,
                expected: change.old,
                found,
            });
        }
    }
    Ok(())
}

/// Slots and current targets of the touched keys.
fn publish(registry: &Registry) {
    for key in &*registry.keys {
        if let Some(target) = key.wanted {
            key.record.publish(target);
        }
    }
}

/// Stores one change into open code; false if its bytes changed since they were checked.
fn store(image: &Image, change: &Change) -> bool {
    match change.width {
        Width::Displacement(at) => {
            let at = usize::from(at);
            let word = |bytes: &[u8; 8]| {
                u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            let address = change.address as usize + at;
            // SAFETY: INV-STORE: the grade is `quad` or `disp`, so the displacement lies in one
            // quadword; its page is open.
            unsafe { exchange_displacement(address, word(&change.old), word(&change.new)) }
        }
        Width::Quadword => {
            let quadword = change.address as usize & !7;
            let at = change.address as usize - quadword;
            let length = usize::from(change.length);
            // A neighbour's bytes may change between the load and the exchange, not ours.
            for _ in 0..8 {
                let Some(old) = image.quadword(quadword) else { return false };
                let mut bytes = old.to_le_bytes();
                if bytes[at..at + length] != change.old[..length] {
                    return false;
                }
                bytes[at..at + length].copy_from_slice(&change.new[..length]);
                // SAFETY: INV-STORE: aligned, the instruction lies in this quadword alone (grade
                // `quad`, a label or a trampoline), and its page is open.
                if unsafe { exchange_quadword(quadword, old, u64::from_le_bytes(bytes)) } {
                    return true;
                }
            }
            false
        }
    }
}

/// Whether no code of the touched keys was ever changed, or all of it was changed back.
fn is_as_linked(registry: &Registry) -> bool {
    registry.keys.iter().filter(|key| key.wanted.is_some()).all(|key| {
        registry.trampolines[key.trampolines()].iter().all(|t| t.now == t.linked)
            && registry.calls[key.calls()].iter().all(|call| call.lead == Lead::Trampoline)
            && registry.labels[key.labels()].iter().all(|label| !label.falls_through)
    })
}

/// Counts the paths of the touched keys.
fn finish(registry: &mut Registry, bound: bool, barrier: Barrier, left: Left) -> Update {
    let mut update = Update::of_slot_alone();
    update.barrier = barrier;
    update.lost = left.lost;
    update.pages_left_open = left.pages_open;
    for key in 0..registry.keys.len() {
        if registry.keys[key].wanted.is_none() {
            continue;
        }
        registry.keys[key].bound = bound;
        path::count(registry, key, &mut update);
    }
    update
}
