//! What the measured programs share.
//!
//! A program has *workloads*, and each workload has several *ways* to do the same work. The parent,
//! `cargo xtask bench`, runs several programs at once and asks each of them in turn for one *round*
//! of a workload: one sample of every way. So all samples of a round see the same state of the
//! machine, and a ratio compares two samples of one round in one process. The parent draws the
//! order of the ways, another in each round: a way leaves caches and predictors to the next.

mod answer;
mod cold;
mod grid;
mod neighbour;
mod sample;

pub use answer::{Cores, Description, exit, serve};
pub use cold::Memory;
pub use grid::{Grid, GridWay, paths, workloads};
pub use neighbour::Neighbour;
pub use sample::{Cold, Sample, Way, Workload};
