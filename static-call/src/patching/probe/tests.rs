use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;
use crate::arch::native::{Branch, QUADWORD, Split};
use crate::arch::x86_64::probe::{Encoded, Forms};
use crate::patching::plan::{Lead, Width};

/// Every place where a call is retargeted in steps, with its split.
fn places() -> Vec<(Experiment, Split, u64)> {
    let place = |experiment: Experiment| match experiment.way {
        Way::Steps(split) => Some((experiment, split, experiment.offsets()[0].into())),
        Way::OneStore | Way::StepsWithoutBarriers(_) => None,
    };
    let all: Vec<_> = Experiment::all().into_iter().filter_map(place).collect();
    assert_eq!(all.len(), 30);
    all
}

/// Returns a bench whose memory nobody refuses, and its steps.
fn bench(experiment: &Experiment, offset: u64) -> (Bench, u64) {
    let bench = Bench::new(experiment, offset).expect("memory");
    let Change::Steps(steps) = &bench.change else { panic!("one store") };
    let site = steps.steps().next().expect("a step").store.address;
    (bench, site)
}

/// Writes a displacement without regard for boundaries; no other thread runs.
fn write(site: u64, displacement: [u8; 4]) {
    // SAFETY: INV-PROBE: these are four bytes of the loop, in open pages of a bench.
    unsafe { overwrite(site as usize + 1, u32::from_le_bytes(displacement)) };
}

#[test]
fn each_step_is_a_store_into_one_quadword() {
    let Encoded { first, second } = Encoded::new(Forms::Call);
    for (experiment, split, offset) in places() {
        let site = (1 << 40) + offset;
        let steps = Steps::plan(site, true);
        let all: Vec<_> = steps.steps().collect();
        assert_eq!(all.len(), 6, "{experiment:?}");
        let mut stations = BTreeSet::new();
        for step in &all {
            let Width::Part { at, length } = step.store.width else { panic!("{step:?}") };
            let (from, to) = (site + u64::from(at), site + u64::from(at + length) - 1);
            assert_eq!(from / QUADWORD, to / QUADWORD, "{step:?}");
            let lengths = [split.before(), 4 - split.before()];
            assert!(lengths.contains(&length), "{step:?}");
            stations.insert(step.store.new);
        }
        // There, and back by the same veneers.
        assert_eq!(stations.len(), 4, "{experiment:?}");
        assert_eq!(all[2].store.new.to_le_bytes()[..5], first[..5]);
        assert_eq!(all[5].store.new.to_le_bytes()[..5], second[..5]);
        let veneers = all.iter().filter(|step| matches!(step.to, Lead::Veneer(_))).count();
        assert_eq!(veneers, 4, "{experiment:?}");
    }
}

/// The processor itself executes every mixture of the bytes of all steps, alone.
#[test]
fn every_mixture_is_counted_as_what_it_is() {
    for (experiment, split, offset) in places() {
        let (bench, site) = bench(&experiment, offset);
        let Change::Steps(steps) = &bench.change else { panic!("one store") };
        let forms: Vec<[u8; 8]> = steps.steps().map(|step| step.store.new.to_le_bytes()).collect();
        let veneers = steps.between();
        let values = |i: usize| forms.iter().map(|form| form[i]).collect::<BTreeSet<u8>>();
        let mut mixtures = Vec::from([Vec::new()]);
        for i in 1..5 {
            let longer = |mixture: &Vec<u8>| {
                let with = |byte| [mixture.as_slice(), &[byte]].concat();
                values(i).into_iter().map(with).collect::<Vec<_>>()
            };
            mixtures = mixtures.iter().flat_map(longer).collect();
        }
        let before = u32::from(split.before());
        assert_eq!(mixtures.len(), 2_usize.pow(before) * 3_usize.pow(4 - before));
        let mut torn = 0;
        for mixture in mixtures {
            write(site, [mixture[0], mixture[1], mixture[2], mixture[3]]);
            let is = |form: &[u8; 8]| form[1..5] == *mixture;
            let expected = match () {
                () if is(&forms[2]) => [CHUNK, 0, 0],
                () if is(&forms[5]) => [0, CHUNK, 0],
                () if veneers.iter().any(is) => [0, 0, CHUNK],
                () => [0; 3],
            };
            torn += usize::from(expected == [0; 3]);
            assert_eq!(bench.execute(), expected, "{experiment:?} {mixture:02x?}");
        }
        assert!(torn >= 20, "{torn}");
    }
}

#[test]
fn steps_lead_there_and_back() {
    for (experiment, _, offset) in places() {
        let (bench, site) = bench(&experiment, offset);
        let Change::Steps(steps) = &bench.change else { panic!("one store") };
        steps.prepare().expect("a barrier");
        let (writes, shape) = (AtomicU64::new(0), Branch::decode(&Encoded::new(Forms::Call).first));
        assert_eq!(shape.map(|shape| shape.length), Some(5));
        for (is_second, stores, expected) in [
            (true, 3, [0, CHUNK, 0]),
            (false, 6, [CHUNK, 0, 0]),
            // The first store fails: the call already leads there.
            (false, 6, [CHUNK, 0, 0]),
        ] {
            bench.make_steps(steps, is_second, &writes).expect("a barrier");
            assert_eq!(writes.load(Relaxed), stores, "{experiment:?} {site:#x}");
            assert_eq!(bench.execute(), expected, "{experiment:?}");
        }
    }
}
