//! The probe, in its own processes: it ends, never crashes, and reports when it cannot run. Whether
//! a processor tears stores is not tested.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::time::Duration;

use static_call::probe::{Counts, Experiment, Unavailable};

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
