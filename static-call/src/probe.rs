//! Does this processor tear? An experiment on instruction fetches, for `cargo static-call probe`.
//!
//! One thread executes an instruction in a loop; another keeps changing it between two forms, with
//! the stores that the runtime uses, and where the runtime would store nothing with a plain one.
//! All of it is code that the probe generates in memory of its own. Landing pads stand at every
//! mixture of the bytes of the two forms, so that a fetch of such a mixture is counted and goes on.
//!
//! That no fetch was torn is no promise of the processor's. It is only what was seen.

use core::time::Duration;

use crate::backend;
pub use crate::experiment::{Boundary, Counts, Experiment, Forms, Pace, Unavailable};

#[cfg(test)]
mod tests;

impl Experiment {
    /// Makes one part of the experiment, for about as long as `time`, with two threads.
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
    /// [`Unavailable`], before any code was run.
    ///
    /// # Panics
    ///
    /// `part` is not below [`parts`](Self::parts).
    pub fn run(&self, part: usize, time: Duration) -> Result<Counts, Unavailable> {
        let offset = self.boundary.offsets(self.change)[part];
        backend::probe::run(self, offset.into(), time)
    }
}
