//! Unwinding from a target that calls reach through veneers.

use std::backtrace::Backtrace;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Mutex;

use static_call::Kind;
use static_call_tests::splits;
use support::supervisor::{Call, Verdict, supervise};

use super::{X, add_seven, leads_to_veneer, split_calls};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn target_that_looks_back(_: u64) -> u64 {
    SEEN.lock().unwrap().push(Backtrace::force_capture().to_string());
    resume_unwind(Box::new(7_u32))
}

/// A veneer leaves no frame: a backtrace names target and caller, and a panic passes.
#[test]
fn a_backtrace_through_a_veneer_shows_the_caller() {
    support::in_child("unwind::a_backtrace_through_a_veneer_shows_the_caller", &[], || {
        splits::stepped::update(add_seven).unwrap();
        let calls = split_calls();
        let is_call = |call: &&static_call::CallReport| call.kind == Some(Kind::Call);
        let mut through_veneers = 0;
        let looks = |call| {
            if !matches!(call, Call::Barrier(_)) {
                return Verdict::Continue;
            }
            let at_veneers = calls.iter().filter(is_call).filter(|call| leads_to_veneer(call));
            for call in splits::CALLS {
                let panic = catch_unwind(|| call(X)).unwrap_err();
                assert_eq!(panic.downcast_ref(), Some(&7_u32));
            }
            let seen = std::mem::take(&mut *SEEN.lock().unwrap());
            for function in at_veneers.filter_map(|call| call.function) {
                let shows = |text: &&String| {
                    let target = text.find("target_that_looks_back");
                    let [caller, test] =
                        [function, "unwind::a_backtrace_through"].map(|name| text.find(name));
                    target.is_some() && target < caller && caller < test
                };
                assert_eq!(seen.iter().filter(shows).count(), 1, "{function}: {seen:#?}");
                through_veneers += 1;
            }
            Verdict::Continue
        };
        supervise(looks, || splits::stepped::update(target_that_looks_back).unwrap());
        assert!(through_veneers > 5, "{through_veneers}");
    });
}
