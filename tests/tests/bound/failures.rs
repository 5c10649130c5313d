//! Every system call of the first update of a bound image fails once.

use static_call::UpdateError;
use static_call_tests::splits;
use support::Code;
use support::children::{self, exit, fork};
use support::supervisor::{Verdict, supervise_memory};

use super::{add_eight, add_one, check_apply, check_stepped, in_bound_image};

const REFUSED: i32 = 0;
const MADE: i32 = 1;
/// No call was left to fail.
const COMPLETE: i32 = 2;

/// Makes the first update of this process, and fails its `n`th system call.
fn first_update(n: usize, errno: i32) -> i32 {
    let bound = Code::now();
    let mut seen = Vec::new();
    let result = supervise_memory(
        |call| {
            seen.push(call);
            if seen.len() == n + 1 { Verdict::Fail(errno) } else { Verdict::Continue }
        },
        || splits::stepped::update(add_eight),
    );
    let failed = seen.get(n);
    // The other key is bound, too, and nobody touched it.
    check_apply(add_one);
    let is_made = match result {
        Ok(update) => {
            check_stepped(add_eight);
            assert_eq!(update.lost, 0, "{failed:x?}: {update:?}");
            true
        }
        Err(UpdateError::BoundAtLink { .. } | UpdateError::PermissionDenied { .. }) => {
            bound.assert_unchanged();
            check_stepped(add_one);
            assert!(splits::stepped::query().is_default(), "{failed:x?}");
            false
        }
        Err(error) => panic!("{failed:x?}: {error}"),
    };
    // What was missing for a moment may be refused for good, but is never half done.
    match splits::stepped::update(splits::near) {
        Ok(_) => check_stepped(splits::near),
        Err(error) => {
            assert!(matches!(error, UpdateError::BoundAtLink { .. }), "{failed:x?}: {error}");
            assert!(!is_made, "{failed:x?}: {error}");
            bound.assert_unchanged();
            check_stepped(add_one);
        }
    }
    assert_eq!(support::open_pages(), [""; 0], "{failed:x?}");
    match failed {
        None => COMPLETE,
        Some(_) if is_made => MADE,
        Some(_) => REFUSED,
    }
}

#[test]
fn every_call_of_the_first_update_may_fail() {
    in_bound_image("failures::every_call_of_the_first_update_may_fail", &[], || {
        for errno in [libc::EPERM, libc::ENOMEM] {
            let mut outcomes = [0; 2];
            for n in 0.. {
                // Each in a process of its own: it has only one first update.
                let child = fork();
                if child == 0 {
                    exit(first_update(n, errno));
                }
                match children::code(child) {
                    COMPLETE => break,
                    outcome @ (REFUSED | MADE) => outcomes[outcome as usize] += 1,
                    other => panic!("call {n}, errno {errno}: {other}"),
                }
            }
            let [refused, made] = outcomes;
            // Memory, opening, the barrier, veneers; and closing.
            assert!(refused >= 4 && made >= 1, "{outcomes:?}");
        }
    });
}
