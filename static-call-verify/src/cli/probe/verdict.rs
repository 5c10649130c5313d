//! Interprets the probe's counts. Pure.

use static_call::Grade;
use static_call::probe::{Counts, Experiment, Pace, Unavailable, Way};

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) experiment: Experiment,
    pub(super) counts: Counts,
    /// Why the experiment could not run, although others can.
    pub(super) unavailable: Option<Unavailable>,
}

impl Row {
    pub(super) fn new(experiment: Experiment) -> Self {
        Self { experiment, counts: Counts::default(), unavailable: None }
    }
}

/// What the rows say about the runtime's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The control tore, and nothing that the runtime does.
    Agrees,
    /// Something that the runtime does tore.
    Tears,
    /// The runtime's steps tore, and nothing else that it does.
    StepsTear,
    /// The control did not tear, or an experiment did not run, so nothing can be said.
    Blind,
}

impl Verdict {
    pub(super) fn of(rows: &[Row]) -> Self {
        let ours = || rows.iter().filter(|r| r.experiment.is_default());
        let did_not_run = |row: &Row| row.unavailable.is_none() && row.counts.calls == 0;
        if ours().any(|r| !in_steps(r) && r.counts.torn > 0) {
            Self::Tears
        } else if steps(rows).torn > 0 {
            Self::StepsTear
        } else if control(rows).torn == 0 || ours().any(did_not_run) {
            Self::Blind
        } else {
            Self::Agrees
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Tears => "tears",
            Self::StepsTear => "steps-tear",
            Self::Blind => "blind",
        }
    }
}

/// Returns the sum of the positive control's rows.
pub(super) fn control(rows: &[Row]) -> Counts {
    sum(rows, |r| r.experiment.is_control())
}

/// Returns the same sum for the paced writer only. Without tears there, the paced rows say little.
pub(super) fn paced_control(rows: &[Row]) -> Counts {
    sum(rows, |r| r.experiment.is_control() && r.experiment.pace == Pace::Paced)
}

/// Returns the sum of all rows of a grade in which one store changes the instruction.
pub(super) fn of_grade(rows: &[Row], grade: Grade) -> Counts {
    sum(rows, |r| !in_steps(r) && r.experiment.boundary.grade() == grade)
}

/// Returns the sum of the rows in which the runtime's steps change the instruction.
pub(super) fn steps(rows: &[Row]) -> Counts {
    sum(rows, |r| matches!(r.experiment.way, Way::Steps(_)))
}

/// Returns the sum of the rows in which the same steps are made without barriers: the control of
/// the barriers.
pub(super) fn steps_without_barriers(rows: &[Row]) -> Counts {
    sum(rows, |r| matches!(r.experiment.way, Way::StepsWithoutBarriers(_)))
}

/// Returns whether the row's instruction is changed in steps, with barriers or without.
pub(super) fn in_steps(row: &Row) -> bool {
    row.experiment.way != Way::OneStore
}

pub(super) fn sum(rows: &[Row], wanted: impl Fn(&Row) -> bool) -> Counts {
    let mut counts = Counts::default();
    for row in rows.iter().filter(|r| wanted(r)) {
        counts += row.counts;
    }
    counts
}

/// Returns the upper bound of tears per call, with 95 % confidence: 3/n if none was seen (the rule
/// of three), otherwise Wilson and Hilferty's approximation of the Poisson bound. `None` if there
/// were no calls.
pub(super) fn upper95(counts: Counts) -> Option<f64> {
    /// A normal variable is below this with 95 % probability.
    const Z: f64 = 1.645;
    if counts.calls == 0 {
        return None;
    }
    let events = if counts.torn == 0 {
        3.0
    } else {
        let k = counts.torn as f64 + 1.0;
        k * (1.0 - 1.0 / (9.0 * k) + Z / (3.0 * k.sqrt())).powi(3)
    };
    Some((events / counts.calls as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use static_call::probe::Boundary;

    use super::*;

    fn counts(calls: u64, torn: u64) -> Counts {
        Counts { calls, writes: calls, veneers: 0, torn }
    }

    /// Returns the rows of a processor on which an experiment tears once in this many calls.
    fn rows(once_in: impl Fn(&Experiment) -> Option<u64>) -> Vec<Row> {
        let row = |experiment| {
            let torn = once_in(&experiment).map_or(0, |n| 1_000_000 / n);
            Row { counts: counts(1_000_000, torn), ..Row::new(experiment) }
        };
        Experiment::all().into_iter().map(row).collect()
    }

    #[test]
    fn only_the_control_may_tear() {
        let lines = rows(|e| e.is_control().then_some(3));
        assert_eq!(Verdict::of(&lines), Verdict::Agrees);
        let halves = rows(|e| (!e.is_default()).then_some(50_000));
        assert_eq!(Verdict::of(&halves), Verdict::Agrees);
    }

    #[test]
    fn one_tear_in_any_row_of_the_runtime_is_enough() {
        for i in 0..Experiment::all().len() {
            // Even if the control says nothing.
            for control in [None, Some(3)] {
                let mut rows = rows(|e| if e.is_control() { control } else { None });
                rows[i].counts.torn += 1;
                let expected = match rows[i].experiment {
                    e if matches!(e.way, Way::Steps(_)) => Verdict::StepsTear,
                    e if e.is_default() => Verdict::Tears,
                    e if e.is_control() || control.is_some() => Verdict::Agrees,
                    _ => Verdict::Blind,
                };
                assert_eq!(Verdict::of(&rows), expected, "{:?}", rows[i]);
            }
        }
    }

    #[test]
    fn no_data_gives_no_verdict() {
        assert_eq!(Verdict::of(&[]), Verdict::Blind);
        assert_eq!(Verdict::of(&rows(|_| None)), Verdict::Blind);
        let halves = rows(|e| (e.boundary == Boundary::Across32 && !e.is_default()).then_some(10));
        assert_eq!(Verdict::of(&halves), Verdict::Blind, "32 bytes are not the control");
        let mut idle = rows(|e| e.is_control().then_some(3));
        idle[0].counts = Counts::default();
        assert_eq!(Verdict::of(&idle), Verdict::Blind, "an experiment that did not run");
    }

    #[test]
    fn without_a_barrier_there_are_no_steps_to_judge() {
        let mut rows = rows(|e| e.is_control().then_some(3));
        for row in rows.iter_mut().filter(|r| matches!(r.experiment.way, Way::Steps(_))) {
            row.counts = Counts::default();
        }
        assert_eq!(Verdict::of(&rows), Verdict::Blind, "nobody says why");
        for row in rows.iter_mut().filter(|r| matches!(r.experiment.way, Way::Steps(_))) {
            row.unavailable = Some(Unavailable::Barrier { errno: 1 });
        }
        assert_eq!(Verdict::of(&rows), Verdict::Agrees);
    }

    #[test]
    fn the_bound_is_three_in_n_or_more() {
        assert_eq!(upper95(counts(0, 0)), None);
        assert_eq!(upper95(counts(3_000_000, 0)), Some(1e-6));
        assert_eq!(upper95(counts(1, 0)), Some(1.0));
        // The exact Poisson bounds: 4.744, 6.296, 16.96, 117.6.
        for (torn, exact) in [(1, 4.744), (2, 6.296), (10, 16.96), (100, 118.08)] {
            let bound = upper95(counts(1_000_000, torn)).unwrap() * 1e6;
            assert!((bound - exact).abs() < exact / 200.0, "{torn}: {bound} for {exact}");
        }
        let bounds: Vec<_> = (0..50).map(|torn| upper95(counts(1000, torn))).collect();
        assert!(bounds.is_sorted());
    }

    #[test]
    fn rows_add_up_by_grade() {
        let rows = rows(|e| e.is_control().then_some(4));
        let grades = [Grade::Quad, Grade::Disp, Grade::Line, Grade::Straddle];
        let calls: u64 = grades.map(|grade| of_grade(&rows, grade).calls).iter().sum();
        let in_steps = steps(&rows).calls + steps_without_barriers(&rows).calls;
        assert_eq!(in_steps, 60 * 1_000_000);
        assert_eq!(calls + in_steps, 1_000_000 * rows.len() as u64);
        assert_eq!(of_grade(&rows, Grade::Straddle), control(&rows));
        assert_eq!(control(&rows).torn, 12 * 250_000);
        assert_eq!(paced_control(&rows).torn, 6 * 250_000);
    }
}
