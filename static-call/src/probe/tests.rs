use super::*;

/// This says nothing about tears: every experiment must end, and its counts must add up.
#[test]
fn every_experiment_ends() {
    for experiment in Experiment::all() {
        for part in 0..experiment.parts() {
            match experiment.run(part, Duration::from_millis(5)) {
                Ok(counts) => assert!(counts.torn <= counts.calls, "{experiment:?} {counts:?}"),
                Err(Unavailable::Platform)
                    if cfg!(any(not(target_arch = "x86_64"), not(target_os = "linux"), miri)) => {}
                Err(Unavailable::Memory { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}
