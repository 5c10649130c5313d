//! Retargeting in steps: planned and stored by the runtime's own code, in the probe's memory.

use core::sync::atomic::AtomicU64;
use std::vec::Vec;

use crate::arch::native::Branch;
use crate::arch::native::store::read_quadword;
use crate::arch::x86_64::probe::{BETWEEN, Encoded, Forms};
use crate::experiment::Unavailable;
use crate::patching::plan::{CallShape, Lead, Route, Step};
use crate::patching::probe::{Bench, count};
use crate::patching::store::exchange;
use crate::sys;

/// The steps from each of the two forms to the other.
#[derive(Debug)]
pub(super) struct Steps {
    /// To the first form, and to the second.
    routes: [Route; 2],
    has_barriers: bool,
}

impl Steps {
    /// Plans the steps of a call at `site`, whose displacement a boundary splits.
    pub(super) fn plan(site: u64, has_barriers: bool) -> Self {
        let Encoded { first, second } = Encoded::new(Forms::Call);
        let route = |from: &[u8; 8], to: &[u8; 8]| {
            let shape = CallShape::new(site, &first)?;
            let lead =
                |form: &[u8; 8]| Some(Lead::Address(Branch::decode(form)?.destination(site)));
            let window = shape.split?.parts(BETWEEN).high;
            shape.route(lead(from)?, lead(to)?, window)
        };
        // An instruction whose displacement is not split has none.
        let routes = [route(&second, &first), route(&first, &second)];
        Self { routes: routes.map(Option::unwrap_or_default), has_barriers }
    }

    /// Returns the forms of the call that lead to veneers.
    pub(super) fn between(&self) -> Vec<[u8; 8]> {
        let is_veneer = |step: &&Step| matches!(step.to, Lead::Veneer(_));
        self.steps().filter(is_veneer).map(|step| step.store.new.to_le_bytes()).collect()
    }

    /// Returns the steps there and back.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.routes.iter().flatten().flatten()
    }

    /// Makes the barrier available.
    pub(super) fn prepare(&self) -> Result<(), Unavailable> {
        if !self.has_barriers {
            return Ok(());
        }
        sys::register_barrier().map_err(|errno| Unavailable::Barrier { errno })
    }
}

impl Bench {
    /// Retargets the call, as an update does: a step that failed is the last, and so is one after
    /// which the barrier failed.
    pub(super) fn make_steps(
        &self,
        steps: &Steps,
        is_second: bool,
        writes: &AtomicU64,
    ) -> Result<(), Unavailable> {
        for step in steps.routes[usize::from(is_second)].iter().flatten() {
            // SAFETY: INV-PROBE: the quadwords of the call lie in pages that are open.
            let read = |at| Some(unsafe { read_quadword(at) });
            // SAFETY: INV-PROBE, INV-STORE: the plan's store, into the probe's own code.
            if !unsafe { exchange(&step.store, read, |at| at) } {
                break;
            }
            count(writes);
            if steps.has_barriers {
                sys::barrier().map_err(|errno| Unavailable::Barrier { errno })?;
            }
        }
        Ok(())
    }
}
