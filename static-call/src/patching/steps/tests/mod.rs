//! Random updates of instructions whose displacements are split, with memory that is refused and
//! barriers that fail, against what threads may fetch.

use core::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::arch::native::{is_veneer, nop_length};
use crate::layout::{Grade, Kind};
use crate::patching::arena::{Arena, Memory};
use crate::patching::cap::Cap;
use crate::patching::plan::Route;
use crate::patching::registry::{Call, Registry, Ungraded};
use crate::patching::state::Patching;
use crate::patching::veneer::{Veneers, View};
use crate::record::{KeyDescription, KeyRecord};
use crate::target::TargetDescription;

mod fresh;
mod hopeless;

const PAGE: u64 = 4096;
/// As many keys as share a page of veneers at most.
const COUNT: usize = 16;

static CODE: u8 = 0;
/// More keys than there are layers.
const MANY: usize = 40;
/// Keys whose slots veneers jump through. Nothing calls them.
static KEYS: [KeyRecord; MANY] = [const {
    let describe = |d: &mut TargetDescription| {
        d.at((&raw const CODE).cast()).named("default");
    };
    let description = KeyDescription::uncalled(describe, (&raw const CODE).cast());
    // SAFETY: INV-KEY: the key is never called, and no trampoline has its stub.
    unsafe { KeyRecord::new(description) }
}; MANY];
/// The tests use the same addresses.
static ALONE: Mutex<()> = Mutex::new(());

/// The start of an image that does not exist, so near to the slots that its veneers reach them.
fn start() -> u64 {
    ((&raw const KEYS).addr() as u64 & !(PAGE - 1)) - (32 << 20)
}

/// A state with these call instructions: offset in the image, and key.
struct Model {
    state: State,
    memory: Memory,
    /// Whether threads may still fetch what an instruction said before its last step.
    unsettled: bool,
}

impl Model {
    fn new(calls: &[(u64, u32)]) -> Self {
        let mut calls: Vec<_> = calls.to_vec();
        calls.sort_unstable();
        // Instructions do not overlap.
        calls.dedup_by(|later, earlier| later.0 - earlier.0 < 5);
        let to_call = |(i, &(offset, key)): (usize, &(u64, u32))| {
            let address = start() + offset;
            // The trampolines lie side by side, as linkers lay them out.
            let trampoline = start() + 0x8_0000 + 8 * i as u64;
            let displacement = (trampoline.wrapping_sub(address + 5) as i32).to_le_bytes();
            let mut bytes = [0; 5];
            bytes[0] = 232;
            bytes[1..].copy_from_slice(&displacement);
            let shape = CallShape::new(address, &bytes).unwrap();
            Call {
                address,
                key,
                trampoline: 0,
                kind: Kind::Call,
                grade: shape.grade,
                ungraded: Ungraded::Unproved,
                shape: Some(shape).filter(|shape| shape.grade != Grade::None),
                in_file: Lead::Linked,
                fault: None,
            }
        };
        let registry = Registry::of(&KEYS, calls.iter().enumerate().map(to_call).collect());
        let mut arena = Arena::new(4096 + registry.calls.len() * 64).unwrap();
        let memory = arena.memory();
        let mut state = State::bare(Cap::Inline, Patching::Works);
        state.written.calls = arena.slice(registry.calls.len(), |_| Lead::Linked);
        let bounds = (start(), start() + (16 << 20));
        state.veneers = Veneers::new(&mut arena, bounds, (KEYS.len(), registry.calls.len()));
        state.registry = registry;
        Self { state, memory, unsettled: false }
    }

    fn split_calls(&self, key: u32) -> Vec<usize> {
        let is_split = |i: &usize| Site::of(&self.state, *i).is_some();
        self.state.registry.keys[key as usize].calls().filter(is_split).collect()
    }

    /// Runs the barrier that an earlier update left, as `protocol::settle` does. It may fail.
    fn settle(&mut self, succeeds: bool) {
        if self.state.left.unsettled.is_some() || self.state.veneers.needs_barrier {
            self.state.left.unsettled = Some(1).filter(|_| !succeeds);
            if succeeds {
                self.state.veneers.settle();
            }
            self.unsettled = !succeeds;
        }
    }

    /// Makes one update of a key. `fails` is the number of steps after which a barrier fails.
    /// Returns whether all calls lead to the target.
    fn update(&mut self, key: u32, to: u64, has_memory: bool, fails: Option<usize>) -> bool {
        let (to, calls) = (Lead::Address(to), self.split_calls(key));
        let executed: Vec<u64> = self.state.veneers.executable().collect();
        let before = |page| Snapshot::of(&self.state.veneers, page);
        let before: Vec<_> = executed.into_iter().map(before).collect();
        // In the order of `choose`: one call is planned before the veneers of the next are made.
        let mut ready_or_made = |&i| {
            let route = ready(&self.state, i, to);
            if route.is_none() && has_memory {
                prepare(&mut self.state, i, to);
            }
            route
        };
        let ready: Vec<_> = calls.iter().map(&mut ready_or_made).collect();
        self.state.veneers.finish();
        let ways: Vec<_> = calls.iter().map(|&i| way(&self.state, i, to)).collect();
        // What was ready is the way, and needs nothing that was made since.
        for (ready, way) in ready.iter().zip(&ways).filter(|(ready, _)| ready.is_some()) {
            let steps = way.as_ref().ok().map(|way| way.map_or([None; 3], |(route, _)| route));
            assert_eq!(*ready, steps);
        }
        if has_memory {
            calls.iter().for_each(|&i| provide(&mut self.state, i, to));
            self.state.veneers.finish();
        }
        let mut is_done = true;
        for (&i, way) in calls.iter().zip(ways) {
            let way = match way {
                Ok(way) => way,
                // The update is an error, and changes nothing.
                Err(Stuck) if self.unsettled => None,
                Err(Stuck) => panic!("call {i} is stuck"),
            };
            let Some((route, end)) = way else {
                is_done &= self.state.written.calls[i] == to;
                continue;
            };
            is_done &= end == to;
            self.follow(i, &route, &before, fails);
        }
        if fails.is_some() {
            self.state.left.unsettled = Some(1);
            self.unsettled = true;
        } else if !self.unsettled {
            self.state.veneers.settle();
        }
        is_done && fails.is_none()
    }

    /// Makes the steps of a route up to the barrier that fails.
    fn follow(&mut self, i: usize, route: &Route, before: &[Snapshot], fails: Option<usize>) {
        assert!(!self.unsettled, "a step, although a barrier is missing");
        let slot = Site::of(&self.state, i).unwrap().slot;
        let stages = fails.map_or(3, |after| after + 1);
        for (stage, step) in route.iter().take(stages).enumerate() {
            let Some(step) = step else { continue };
            assert_eq!(step.from, self.state.written.calls[i]);
            if let Lead::Veneer(at) = step.to {
                let veneers = &self.state.veneers;
                assert_eq!(
                    slot_reached(veneers, at, View::Executed),
                    Some(slot),
                    "a veneer of this key"
                );
                let is_new = before.iter().any(|page| page.has_changed(veneers, at));
                assert!(stage > 0 || !is_new, "the first step leads to code that was just written");
            }
            self.state.written.calls[i] = step.to;
        }
    }

    /// Forgets what earlier updates found out.
    fn forget(&mut self) {
        self.state.veneers.known.fill_with(|| Cell::new(Known::NOTHING));
    }

    /// What is known of veneers is so: those of both leads and of the trampoline are settled.
    fn assert_known(&self) {
        let veneers = &self.state.veneers;
        for (i, known) in veneers.known.iter().enumerate() {
            let Known { between, found: Found::Layer(layer) } = known.get() else { continue };
            let site = Site::of(&self.state, i).unwrap();
            let window = site.window(&self.state, layer.into()).unwrap();
            let end = site.shape.end();
            let lead = |displacement: i32| end.wrapping_add_signed(displacement.into());
            for to in [lead(between[0]), lead(between[1]), site.shape.home()] {
                let at = site.split.congruent(end, to, window);
                assert_eq!(slot_reached(veneers, at, View::Settled), Some(site.slot));
            }
        }
    }

    /// Every instruction must get back to its trampoline with what there is.
    fn assert_ways_back(&self) {
        for i in 0..self.state.registry.calls.len() {
            if self.state.left.unsettled.is_some() || Site::of(&self.state, i).is_none() {
                continue;
            }
            let is_home = self.state.written.calls[i] == Lead::Linked;
            let back = way(&self.state, i, Lead::Linked).unwrap_or_else(|Stuck| panic!("stuck"));
            assert!(is_home || back.is_some_and(|(_, end)| end == Lead::Linked));
        }
    }
}

/// An executable page before an update.
struct Snapshot {
    page: u64,
    bytes: Vec<u8>,
}

impl Snapshot {
    fn of(veneers: &Veneers, page: u64) -> Self {
        let bytes = (page..page + PAGE).step_by(8).flat_map(|at| veneers.read(at, View::Executed));
        Self { page, bytes: bytes.collect() }
    }

    /// Returns whether code at `address`, if it is in this page, has changed since.
    fn has_changed(&self, veneers: &Veneers, address: u64) -> bool {
        let now = veneers.read(address, View::Executed);
        (address..).zip(now).any(|(at, byte)| {
            let before =
                at.checked_sub(self.page).and_then(|offset| self.bytes.get(offset as usize));
            before.is_some_and(|&before| before != byte)
        })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let veneers = core::mem::replace(&mut self.state.veneers, Veneers::bare());
        // SAFETY: INV-VENEER: nothing executes these.
        unsafe { veneers.free() };
        self.state.written.calls = &mut [];
        // SAFETY: INV-ARENA: its slices ended above.
        unsafe { self.memory.free() };
    }
}

/// Returns the slot through which code at `address` jumps, behind no-ops.
fn slot_reached(veneers: &Veneers, mut address: u64, view: View) -> Option<u64> {
    loop {
        let code = veneers.read(address, view);
        if is_veneer(&code) {
            let displacement = i32::from_le_bytes(code[2..6].try_into().unwrap());
            return Some((address + 6).wrapping_add_signed(displacement.into()));
        }
        address += nop_length(&code)? as u64;
    }
}

/// Call instructions in 64 KiB, of any alignment.
fn calls() -> impl Strategy<Value = Vec<(u64, u32)>> {
    prop::collection::vec((0..0x1_0000_u64, 0..COUNT as u32), 1..24)
}

/// Functions, often near to each other or to the calls, often in another window.
fn targets() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..24_u64,
        0x8_0000..0x8_0040_u64,
        (0..32_u64).prop_map(|k| k * 0x1_0007),
        0..0x10_0000_u64,
        (0..3_u64).prop_map(|k| 0x20_0003 + k * 0x40_0000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the targets, and wherever memory or a barrier is refused: each step leads to a
    /// veneer of the key that is ready, the first one to code that was not written just now, no
    /// step is made while a barrier is missing, and every instruction can get back.
    #[test]
    fn steps_keep_the_rules(
        calls in calls(),
        known in prop::array::uniform3(targets()),
        updates in prop::collection::vec(
            (
                (0..COUNT as u32, 0..6_usize, targets()),
                // Whether there is memory, and whether a barrier that was left succeeds.
                (prop::bool::weighted(0.8), prop::bool::weighted(0.7)),
                prop::option::weighted(0.2, 0..3_usize),
            ),
            1..24,
        ),
        is_aliased: bool,
    ) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut model = Model::new(&calls);
        model.state.veneers.is_aliased = is_aliased;
        // Keys that have calls.
        let keys: Vec<u32> = model.state.registry.calls.iter().map(|call| call.key).collect();
        for ((key, which, target), (has_memory, settles), fails) in updates {
            let key = keys[key as usize % keys.len()];
            // Half of the targets come again.
            let target = known.get(which).copied().unwrap_or(target);
            model.settle(settles);
            model.update(key, start() + target, has_memory, fails);
            model.assert_known();
            model.assert_ways_back();
        }
    }

    /// With memory, all calls of all keys are inline with any aligned targets, at the latest after
    /// the second update to each.
    #[test]
    fn calls_reach_aligned_targets(
        calls in calls(),
        updates in prop::collection::vec((0..COUNT as u32, 0..0x1_0000_u64), 1..24),
        is_aliased: bool,
    ) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut model = Model::new(&calls);
        model.state.veneers.is_aliased = is_aliased;
        for (key, target) in updates {
            model.settle(true);
            prop_assert!(model.update(key, start() + 0x10_0000 + target * 16, true, None));
        }
    }
}

/// Keys that are updated one after another share pages. None is left on its trampoline.
#[test]
fn keys_that_share_pages_are_inline() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for skip in 4..7 {
        let calls: Vec<_> =
            (0..COUNT as u32).map(|key| (u64::from(key) * 64 + skip, key)).collect();
        let mut model = Model::new(&calls);
        for target in [0x10_0000, 0x50_0010] {
            for key in 0..COUNT as u32 {
                let to = start() + target + u64::from(key) * 16;
                model.settle(true);
                assert!(model.update(key, to, true, None), "{skip} {key}");
            }
        }
        // Windows of 16 MiB: a page for all trampolines, and one for each target of all keys.
        let pages = model.state.veneers.pages();
        assert!(skip != 4 || pages <= 5, "{pages} pages: other layers were used");
    }
}

/// Keys that have the same target, or targets that lie together, need the same addresses for their
/// veneers. All are inline, at the latest after the second update to each.
#[test]
fn keys_with_the_same_target_are_inline() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for skip in 4..7 {
        let calls: Vec<_> =
            (0..COUNT as u32).map(|key| (u64::from(key) * 64 + skip, key)).collect();
        let mut model = Model::new(&calls);
        for target in [0x10_0000, 0x50_0010, 0x10_0003] {
            for key in 0..COUNT as u32 {
                let to = start() + target + u64::from(key % 2) * 3;
                let mut update = || {
                    model.settle(true);
                    model.update(key, to, true, None)
                };
                assert!(update() || update(), "{skip} {key} {target:x}");
            }
        }
    }
}
