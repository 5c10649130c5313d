//! The verdict in words.

use static_call::Grade;
use static_call::probe::Unavailable;

use super::verdict::{
    Row, Verdict, control, in_steps, of_grade, paced_control, steps, steps_without_barriers,
};

/// Returns the verdict in words.
pub(super) fn sentence(rows: &[Row]) -> String {
    let control = control(rows);
    let mut text = match Verdict::of(rows) {
        Verdict::Agrees => {
            let line = of_grade(rows, Grade::Line);
            let within = if line.torn > 0 {
                "\"Inside one cache line\" is not enough on this processor: stores tore there, too."
            } else {
                "Inside one cache line nothing tore either, but that is not guaranteed."
            };
            format!(
                "this agrees with the runtime's rules. Nothing that the runtime rewrites by one \
                 store tore (grades quad and disp), while displacements across cache lines tore {} \
                 times, so the probe can see tears here. {within} {}",
                control.torn,
                about_steps(rows)
            )
        }
        Verdict::Tears => "THIS PROCESSOR TORE A STORE THAT THE RUNTIME MAKES. Run programs with \
                           STATIC_CALL=indirect here, and please report this table."
            .to_owned(),
        Verdict::StepsTear => "THIS PROCESSOR TORE A CALL THAT WAS RETARGETED IN STEPS, AS THE \
                               RUNTIME DOES IT. Run programs with STATIC_CALL=no-steps here, and \
                               please report this table."
            .to_owned(),
        Verdict::Blind if control.torn == 0 => {
            "none. The probe could not see tears on this machine: not even displacements across \
             cache lines tore, so the other rows say nothing. A single processor for both threads, \
             or too few --seconds, can cause this."
                .to_owned()
        }
        Verdict::Blind => "none. Some experiments did not run: increase --seconds.".to_owned(),
    };
    if control.torn > 0 && paced_control(rows).torn == 0 {
        text.push_str(" With a paced writer not even those tore, so the paced rows say little.");
    }
    text
}

/// Returns what the steps show, if nothing tore that should not.
fn about_steps(rows: &[Row]) -> String {
    let refused: Option<Unavailable> =
        rows.iter().filter(|row| in_steps(row)).find_map(|row| row.unavailable);
    if let Some(refused) = refused {
        return format!("Nothing was retargeted in steps: {refused}.");
    }
    let (steps, control) = (steps(rows), steps_without_barriers(rows));
    let seen = match control.torn {
        0 => "Without barriers the same steps did not tear in this time either, so this run does \
              not show that they are needed; the runtime never goes on without them."
            .to_owned(),
        torn => format!(
            "Without barriers the same steps tore {torn} times: the barriers are needed, and the \
             probe sees where they are missing."
        ),
    };
    format!(
        "Calls that were retargeted in steps, across every boundary, led only to the old target, \
         a veneer ({} of {} calls) or the new target. {seen}",
        steps.veneers, steps.calls
    )
}

#[cfg(test)]
mod tests {
    use static_call::probe::{Counts, Experiment, Forms, Pace, Way};

    use super::*;

    fn rows(torn: impl Fn(&Experiment) -> u64) -> Vec<Row> {
        let row = |experiment| {
            let counts = Counts { calls: 1_000, writes: 500, veneers: 7, torn: torn(&experiment) };
            Row { counts, ..Row::new(experiment) }
        };
        Experiment::all().into_iter().map(row).collect()
    }

    fn is_without_barriers(e: &Experiment) -> bool {
        matches!(e.way, Way::StepsWithoutBarriers(_))
    }

    #[test]
    fn the_verdict_gives_its_reasons() {
        let agrees = sentence(&rows(|e| if e.is_control() { 5 } else { 0 }));
        for part in [
            "agrees with the runtime's rules",
            "tore 60 times",
            "nothing tore either",
            "a veneer (210 of 30000 calls)",
            "does not show that they are needed",
        ] {
            assert!(agrees.contains(part), "{part}: {agrees}");
        }
        let halves = sentence(&rows(|e| if e.is_default() { 0 } else { 20 }));
        assert!(halves.contains("not enough on this processor"), "{halves}");
        assert!(halves.contains("the same steps tore 600 times"), "{halves}");
        let hammered = |e: &Experiment| e.is_control() && e.pace == Pace::Hammering;
        let hammered = sentence(&rows(|e| hammered(e).into()));
        assert!(hammered.contains("the paced rows say little"), "{hammered}");
        let blind = sentence(&rows(|e| is_without_barriers(e).into()));
        assert!(blind.contains("could not see tears"), "{blind}");
        let torn = sentence(&rows(|e| (e.change == Forms::Nop).into()));
        assert!(torn.contains("STATIC_CALL=indirect"), "{torn}");
        let steps = sentence(&rows(|e| matches!(e.way, Way::Steps(_)).into()));
        assert!(steps.contains("STATIC_CALL=no-steps"), "{steps}");
    }

    #[test]
    fn a_missing_barrier_is_named() {
        let mut rows = rows(|e| (e.is_control() || is_without_barriers(e)).into());
        for row in rows.iter_mut().filter(|r| matches!(r.experiment.way, Way::Steps(_))) {
            row.unavailable = Some(Unavailable::Barrier { errno: 38 });
            row.counts = Counts::default();
        }
        let text = sentence(&rows);
        assert!(text.contains("agrees with"), "{text}");
        assert!(
            text.contains("Nothing was retargeted in steps: no barrier (membarrier, errno 38)")
        );
    }
}
