//! The probe where nothing is patched: there is nothing to make it with.

use core::time::Duration;

use crate::experiment::{Counts, Experiment, Unavailable};

/// Refuses the experiment.
pub(crate) fn run(_: &Experiment, _: u64, _: Duration) -> Result<Counts, Unavailable> {
    Err(Unavailable::Platform)
}
