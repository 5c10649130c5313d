//! Does this processor tear? An experiment on instruction fetches, for `cargo static-call probe`.
//!
//! One thread executes an instruction in a loop, while another keeps changing it between two forms.
//! The writer uses the runtime's stores, one or several in steps, as the runtime plans them, and
//! for comparison stores that the runtime never makes. The probe generates all of this code in
//! memory of its own. Every mixture of the stored bytes leads to a landing pad, so a fetch of such
//! a mixture is counted and execution continues.
//!
//! If no fetch was torn, that is an observation, not a promise of the processor.

use core::time::Duration;

use crate::backend;
pub use crate::experiment::{Boundary, Counts, Experiment, Forms, Pace, Split, Unavailable, Way};

#[cfg(test)]
mod tests;

impl Experiment {
    /// Runs one part of the experiment for about `time`, with two threads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use static_call::probe::{Experiment, Unavailable};
    ///
    /// let experiment = Experiment::all()[0];
    /// match experiment.run(0, Duration::from_millis(5)) {
    ///     Ok(counts) => println!("{} of {} torn", counts.torn, counts.calls),
    ///     Err(Unavailable::Platform) => println!("not x86-64 Linux"),
    ///     Err(other) => println!("{other}"),
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Unavailable`] if the experiment cannot run. No generated code was executed then,
    /// unless the system takes away the barrier in the middle.
    ///
    /// # Panics
    ///
    /// Panics if `part` is not less than [`parts`](Self::parts).
    pub fn run(&self, part: usize, time: Duration) -> Result<Counts, Unavailable> {
        let offset = self.offsets()[part];
        backend::probe::run(self, offset.into(), time)
    }
}
