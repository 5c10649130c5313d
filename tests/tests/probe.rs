//! The probe, in its own processes: it ends, never crashes, and reports when it cannot run. Whether
//! a processor tears stores is not tested.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::time::Duration;

use static_call::probe::{Counts, Experiment, Unavailable, Way};
use support::supervisor::{Call, Verdict, refuse_barriers, supervise};

/// `MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE` (linux/membarrier.h).
const SYNC_CORE: u64 = 1 << 5;

fn in_steps() -> impl Iterator<Item = Experiment> {
    Experiment::all().into_iter().filter(|e| matches!(e.way, Way::Steps(_)))
}

#[test]
fn a_short_run_ends() {
    support::in_child("a_short_run_ends", &[], || {
        let mut all = Counts::default();
        for experiment in Experiment::all() {
            for part in 0..experiment.parts() {
                all += experiment.run(part, Duration::from_millis(6)).unwrap();
            }
        }
        assert!(all.torn <= all.calls, "{all:?}");
    });
}

#[test]
fn without_permission_it_does_not_start() {
    support::in_child("without_permission_it_does_not_start", &[], || {
        const PR_SET_MDWE: i32 = 65;
        const PR_MDWE_REFUSE_EXEC_GAIN: u64 = 1;
        // SAFETY: it only removes a permission from this process.
        let done = unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) };
        assert_eq!(done, 0, "PR_SET_MDWE: {}", std::io::Error::last_os_error());
        for experiment in Experiment::all() {
            let error = experiment.run(0, Duration::from_millis(1)).unwrap_err();
            assert!(matches!(error, Unavailable::Memory { errno } if errno > 0), "{error:?}");
            assert!(error.to_string().contains("PR_SET_MDWE"), "{error}");
        }
    });
}

/// Runs an experiment whose barriers succeed or fail as `decide` says for the first, the second and
/// so on, for long enough to have `least` of them. Returns its result and how many there were.
fn with_barriers(
    experiment: Experiment,
    least: u64,
    mut decide: impl FnMut(u64) -> Verdict,
) -> (Result<Counts, Unavailable>, u64) {
    let times = (0..12).map(|n| Duration::from_millis(5 << n));
    for time in times {
        let mut barriers = 0;
        let decide = |call| match call {
            Call::Barrier(SYNC_CORE) => {
                barriers += 1;
                decide(barriers)
            }
            _ => Verdict::Continue,
        };
        let result = supervise(decide, || experiment.run(0, time));
        if barriers >= least {
            return (result, barriers);
        }
    }
    panic!("fewer than {least} barriers: {experiment:?}");
}

/// A retargeting that the probe makes is one of the runtime: a barrier follows each step.
#[test]
fn a_barrier_follows_every_step() {
    support::in_child("a_barrier_follows_every_step", &[], || {
        for experiment in in_steps() {
            let (result, barriers) = with_barriers(experiment, 3, |_| Verdict::Continue);
            let counts = result.unwrap();
            assert_eq!((counts.writes, barriers % 3), (barriers, 0), "{experiment:?} {counts:?}");
        }
    });
}

#[test]
fn after_a_barrier_that_failed_there_is_no_step() {
    support::in_child("after_a_barrier_that_failed_there_is_no_step", &[], || {
        for (last, experiment) in (1..=6).cycle().zip(in_steps()) {
            let fail = |n| if n < last { Verdict::Continue } else { Verdict::Fail(libc::ENOMEM) };
            let (result, barriers) = with_barriers(experiment, last, fail);
            let refused = Unavailable::Barrier { errno: libc::ENOMEM };
            assert_eq!((result, barriers), (Err(refused), last), "{experiment:?}");
        }
    });
}

#[test]
fn without_a_barrier_only_steps_do_not_run() {
    support::in_child("without_a_barrier_only_steps_do_not_run", &[], || {
        supervise(refuse_barriers(libc::ENOSYS), || {
            for experiment in Experiment::all() {
                let result = experiment.run(0, Duration::from_millis(2));
                let refused = Err(Unavailable::Barrier { errno: libc::ENOSYS });
                let is_refused = matches!(experiment.way, Way::Steps(_));
                assert_eq!(result == refused, is_refused, "{experiment:?} {result:?}");
                assert_eq!(result.is_err(), is_refused, "{experiment:?} {result:?}");
            }
        });
    });
}
