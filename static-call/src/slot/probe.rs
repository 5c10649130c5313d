//! The probe where nothing is patched: it is not available.

use core::time::Duration;

use crate::experiment::{Counts, Experiment, Unavailable};

/// Refuses the experiment.
pub(crate) fn run(_: &Experiment, _: u64, _: Duration) -> Result<Counts, Unavailable> {
    Err(Unavailable::Platform)
}
