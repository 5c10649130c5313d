//! What was to be reached: a line for each target, met or missed.

use serde::Serialize;

use super::calls::{BOUND, CONTROL, INLINE, ONE_STORE, SWITCHED, WHOLE};
use super::results::Workload;
use crate::spread::Spread;

/// A target, and what was measured.
#[derive(Serialize)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) measured: String,
    pub(super) met: bool,
}

impl Target {
    /// Returns a target that a number is to be at most this.
    pub(super) fn at_most(what: impl Into<String>, measured: f64, most: f64) -> Self {
        Self {
            what: format!("{}: at most {most:.2}", what.into()),
            measured: format!("{measured:.3}"),
            met: measured <= most,
        }
    }
}

/// Alternatives whose target can be changed at run time.
const SWITCHABLE: [&str; 6] =
    ["AtomicPtr", "dyn", "Box<dyn Fn>", "arc-swap", "static-keys", "static-key"];

/// Returns the targets for a workload of calls.
pub(super) fn of_calls(workload: &Workload) -> Vec<Target> {
    let mut targets = Vec::new();
    for name in [INLINE, WHOLE, SWITCHED, ONE_STORE, BOUND] {
        if let Some(row) = workload.row(name) {
            let what = format!("{}; {name}, to a direct call", workload.name);
            let mut target = Target::at_most(what, row.ratio.median, 1.01);
            if let Some(control) = workload.row(CONTROL) {
                let Spread { low, median, high } = control.ratio;
                target.measured += &format!(" (control {median:.2}, {low:.2}–{high:.2})");
            }
            targets.push(target);
        }
    }
    let Some(inline) = workload.row(INLINE) else { return targets };
    for name in SWITCHABLE {
        let Some(other) = workload.row(name) else { continue };
        targets.push(Target {
            what: format!("{}; inline ahead of {name}", workload.name),
            measured: format!("{:.3} and {:.3}", inline.ratio.median, other.ratio.median),
            met: inline.ratio.median <= other.ratio.median,
        });
    }
    targets
}

/// Returns what the gain over `AtomicPtr` is, in words.
pub(super) fn gain(workload: &Workload) -> Option<String> {
    let inline = workload.row(INLINE)?.ratio.median;
    let pointer = workload.row("AtomicPtr")?.ratio.median;
    let gain = (1.0 - inline / pointer) * 100.0;
    Some(if gain.abs() < 2.0 {
        "no difference".to_owned()
    } else if gain > 0.0 {
        format!("inline is {gain:.0} % faster")
    } else {
        format!("inline is {:.0} % slower", -gain)
    })
}
