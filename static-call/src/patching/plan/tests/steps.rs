//! Steps, checked with a model of what threads fetch.
//!
//! A store changes one quadword at once. A thread that fetches an instruction across a boundary
//! reads each quadword by itself, as it is or as it was at any time since the last barrier.

use std::collections::BTreeSet;

use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::arch::native::Split;

/// What threads can read of an instruction: the states of both quadwords since the last barrier.
struct Fetches {
    first: Vec<Vec<u8>>,
    second: Vec<Vec<u8>>,
}

impl Fetches {
    /// How many of the instruction's bytes lie before the boundary.
    fn boundary(shape: &CallShape) -> usize {
        (8 - shape.address % 8) as usize
    }

    fn new(shape: &CallShape, bytes: u64) -> Self {
        let bytes = &bytes.to_le_bytes()[..usize::from(shape.branch.length)];
        let (first, second) = bytes.split_at(Self::boundary(shape));
        Self { first: std::vec![first.to_vec()], second: std::vec![second.to_vec()] }
    }

    /// Makes a store, which must change only one quadword.
    fn store(&mut self, shape: &CallShape, store: &Store) {
        let boundary = Self::boundary(shape);
        let bytes = [store.old, store.new].map(u64::to_le_bytes);
        let [old, new] = bytes.each_ref().map(|bytes| bytes.split_at(boundary));
        assert!((old.0 == new.0) != (old.1 == new.1), "a store in both quadwords: {store:x?}");
        let Width::Part { at, length } = store.width else { panic!("the whole: {store:x?}") };
        let written = usize::from(at)..usize::from(at + length);
        assert!(written.end <= boundary || written.start >= boundary, "{store:x?}");
        let mut differing = (0..8).filter(|&i| bytes[0][i] != bytes[1][i]);
        assert!(differing.all(|i| written.contains(&i)), "{store:x?}");
        let length = usize::from(store.length) - boundary;
        assert_eq!(self.first.last().unwrap(), old.0);
        assert_eq!(self.second.last().unwrap(), &old.1[..length]);
        if old.0 == new.0 {
            self.second.push(new.1[..length].to_vec());
        } else {
            self.first.push(new.0.to_vec());
        }
    }

    fn barrier(&mut self) {
        for states in [&mut self.first, &mut self.second] {
            states.drain(..states.len() - 1);
        }
    }

    /// Returns where every instruction that a thread can fetch leads.
    fn destinations(&self, shape: &CallShape) -> BTreeSet<u64> {
        let both = |first: &Vec<u8>| {
            self.second.iter().map(|second| [&first[..], second].concat()).collect::<Vec<_>>()
        };
        let fetched = self.first.iter().flat_map(both);
        let decoded = fetched.map(|bytes| decode(&bytes, shape.address));
        decoded.map(|instruction| instruction.near_branch_target()).collect()
    }
}

/// Generates instructions whose displacement is split.
fn split_shapes() -> impl Strategy<Value = CallShape> {
    shapes().prop_filter("a boundary splits it", |shape| shape.split.is_some())
}

/// Generates targets near the instructions, often with equal parts.
fn targets() -> impl Strategy<Value = u64> {
    let base = 0x5555_0000_0000_u64;
    prop_oneof![
        (base - (1 << 30)..base + (1 << 30)),
        (base..base + 0x10_0000),
        (0..64_u64).prop_map(move |k| base + k * 0x1_0000),
        (0..64_u64).prop_map(move |k| base + k * 0x100),
    ]
}

fn windows() -> impl Strategy<Value = i32> {
    prop_oneof![-127..127_i32, -3..3_i32]
}

/// Returns where an instruction may lead during a retargeting.
fn good(shape: &CallShape, from: Lead, to: Lead, window: i32) -> BTreeSet<u64> {
    let split = shape.split.unwrap();
    let veneers = [from, to].map(|lead| shape.veneer(split, lead, window).unwrap());
    let ends = [from, to].map(|lead| shape.destination(lead).unwrap());
    veneers.into_iter().chain(ends).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    /// During a retargeting and after it, every fetch leads to the old target, to one of the two
    /// veneers or to the new target; in the end only to the new target. Where a barrier fails and
    /// the instruction stays between two steps, another route leads on from there.
    #[test]
    fn every_fetch_leads_to_a_good_place(
        shape in split_shapes(),
        targets in prop::array::uniform3(targets()),
        window in windows(),
        stops in prop::option::of(0..3_usize),
    ) {
        let [from, to, last] = targets.map(Lead::Address);
        let mut fetches = Fetches::new(&shape, shape.bytes(from).unwrap());
        let mut now = from;
        let mut run = |to: Lead, stops: Option<usize>| {
            let allowed = good(&shape, now, to, window);
            let route = shape.route(now, to, window).expect("all is in reach");
            for (stage, step) in route.into_iter().enumerate() {
                if stage > 0 {
                    fetches.barrier();
                }
                if stops == Some(stage) {
                    break;
                }
                let Some(step) = step else { continue };
                assert_eq!(step.from, now);
                fetches.store(&shape, &step.store);
                now = step.to;
                let led = fetches.destinations(&shape);
                assert!(led.is_subset(&allowed), "{led:x?} is not in {allowed:x?}");
            }
            fetches.barrier();
            assert_eq!(fetches.destinations(&shape), [shape.destination(now).unwrap()].into());
            now
        };
        let then = run(to, stops);
        prop_assert!(stops.is_some() || then == to);
        prop_assert_eq!(shape.bytes(run(last, None)), shape.bytes(last));
    }

    /// One store is enough where one part stays, and never more than three are made.
    #[test]
    fn only_what_must_be_staged_is(
        shape in split_shapes(),
        from in targets().prop_map(Lead::Address),
        to in targets().prop_map(Lead::Address),
        window in windows(),
    ) {
        let one = shape.store(from, to).is_ok();
        prop_assert_eq!(one, differs_on_one_side(&shape, from, to));
        let route = shape.route(from, to, window).unwrap();
        let bytes = |lead| shape.bytes(lead).unwrap();
        for step in route.iter().flatten() {
            prop_assert_ne!(step.store.old, step.store.new);
            prop_assert_eq!((step.store.old, step.store.new), (bytes(step.from), bytes(step.to)));
        }
    }
}

/// The model shows what goes wrong without a barrier, and with one store: otherwise the test above
/// proves nothing.
#[test]
fn the_model_can_fail() {
    let mut bytes = [232, 0, 0, 0, 0, 0, 0, 0];
    bytes[1..5].copy_from_slice(&0x1122_3344_i32.to_le_bytes());
    // One byte of the displacement lies before the boundary.
    let shape = CallShape::new(0x5555_0000_0006, &bytes).unwrap();
    assert_eq!(shape.split, Some(Split::ALL[0]));
    let [from, to] = [0x5555_0010_1234, 0x5554_fff0_5678].map(Lead::Address);
    let allowed = good(&shape, from, to, -0x4000);
    let route = shape.route(from, to, -0x4000).unwrap();
    for missing in 1..3 {
        let mut fetches = Fetches::new(&shape, shape.bytes(from).unwrap());
        let mut led = BTreeSet::new();
        for (stage, step) in route.iter().flatten().enumerate() {
            if stage > 0 && stage != missing {
                fetches.barrier();
            }
            fetches.store(&shape, &step.store);
            led.extend(fetches.destinations(&shape));
        }
        assert!(!led.is_subset(&allowed), "without barrier {missing}: {led:x?}");
    }
    let mut fetches = Fetches::new(&shape, shape.bytes(from).unwrap());
    let new = shape.bytes(to).unwrap().to_le_bytes();
    fetches.first.push(new[..2].to_vec());
    fetches.second.push(new[2..5].to_vec());
    assert!(!fetches.destinations(&shape).is_subset(&allowed));
}
