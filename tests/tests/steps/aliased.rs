//! Steps by an alias: veneers and calls, where nothing is writable and executable at one address.

use static_call::{Path, Update, UpdateError};
use static_call_tests::{self as lib, splits};
use support::Code;
use support::callers::{are_legal, call_while};
use support::children::{
    self, child_without_handlers, exit, fork, go_on, stop_between, wait_until_stopped,
};
use support::supervisor::{Call, Memory, Verdict, forbid_write_then_execute, supervise_memory};

use super::{X, add_eight, add_seven, check, leads_to_veneer, split_calls};

fn start() {
    forbid_write_then_execute();
    let all = static_call::init_aliased().unwrap();
    assert_eq!((all.indirect, all.unfinished), (0, 0), "{all:?}");
}

/// Every call leads to the target itself. At each system call no mapping is writable and
/// executable, and at each barrier calls work.
#[test]
fn every_call_is_inline() {
    support::in_child("aliased::every_call_is_inline", &[], || {
        let linked = Code::now();
        start();
        let (calls, mut at_veneers) = (split_calls(), 0);
        let updates: [fn() -> Result<Update, UpdateError>; 3] = [
            || splits::stepped::update(add_seven),
            || splits::stepped::update(add_eight),
            || splits::stepped::update(splits::near),
        ];
        for _ in 0..3 {
            for (update, target) in updates.iter().zip([add_seven, add_eight, splits::near]) {
                let update = supervise_memory(
                    |call| {
                        assert_eq!(support::open_pages(), [""; 0]);
                        assert!(!matches!(call, Call::Protect(_) | Call::Veneers(_)), "{call:?}");
                        if let Call::Barrier(_) = call {
                            at_veneers += calls.iter().filter(|call| leads_to_veneer(call)).count();
                            check(target);
                        }
                        Verdict::Continue
                    },
                    update,
                );
                let update = update.unwrap();
                check(target);
                support::assert_path("stepped", Path::Inline);
                assert!(update.barriers <= 3 && update.unfinished + update.lost == 0, "{update:?}");
            }
        }
        assert!(at_veneers > 20, "{at_veneers}");
        static_call::unbind().unwrap();
        linked.assert_unchanged();
        check(splits::near);
    });
}

/// Several threads call through every split while another switches among targets and unbinds.
#[test]
fn every_result_is_legal() {
    support::in_child("aliased::every_result_is_legal", &[], || {
        start();
        let legal = [|x| x + 1, add_seven, add_eight, splits::near];
        let legal = legal.map(|target: fn(u64) -> u64| splits::expected(target, X));
        let mut state = 1_u64;
        call_while(are_legal(|| splits::all(X), legal.into()), |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let result = match state >> 61 {
                0 | 1 => splits::stepped::update(add_seven),
                2 | 3 => splits::stepped::update(add_eight),
                4 | 5 => splits::stepped::update(splits::near),
                6 => static_call::unbind(),
                _ => static_call::init(),
            };
            let update = result.unwrap();
            assert_eq!((update.lost, update.unfinished), (0, 0));
        });
    });
}

/// Whichever system call of an update in steps fails, calls work, and the next update completes it.
#[test]
fn every_call_may_fail() {
    support::in_child("aliased::every_call_may_fail", &[], || {
        start();
        let (mut without_veneers, mut denied) = (0, 0);
        for n in 0.. {
            // A child has no veneers of the target yet, so each makes them.
            let child = fork();
            if child != 0 {
                match children::code(child) {
                    0 => {}
                    1 => without_veneers += 1,
                    2 => denied += 1,
                    3 => break,
                    other => panic!("call {n}: {other}"),
                }
                continue;
            }
            let mut seen = 0;
            let result = supervise_memory(
                |_| {
                    seen += 1;
                    if seen == n + 1 { Verdict::Fail(libc::ENOMEM) } else { Verdict::Continue }
                },
                || splits::stepped::update(add_seven),
            );
            let code = match result {
                Ok(update) => {
                    check(add_seven);
                    i32::from(update.trampoline > 0)
                }
                Err(UpdateError::PermissionDenied { errno: libc::ENOMEM, .. }) => {
                    check(|x| x + 1);
                    2
                }
                Err(error) => panic!("{error}"),
            };
            for _ in 0..2 {
                splits::stepped::update(add_eight).unwrap();
                check(add_eight);
                splits::stepped::update(add_seven).unwrap();
                check(add_seven);
            }
            support::assert_path("stepped", Path::Inline);
            exit(if seen <= n { 3 } else { code });
        }
        assert!(without_veneers >= 4 && denied >= 4, "{without_veneers} {denied}");
    });
}

/// At each system call of an update in steps another thread forks, without running fork handlers.
/// The child goes on from what the code shows, and its parent's next steps do not reach it.
#[test]
fn forks_between_steps_part() {
    support::in_child("aliased::forks_between_steps_part", &[], || {
        start();
        splits::stepped::update(add_seven).unwrap();
        let mut children = Vec::new();
        let update = supervise_memory(
            |call| {
                if matches!(call, Call::Barrier(_) | Call::Memory(Memory::Unmap(_))) {
                    let child = child_without_handlers(live_on);
                    wait_until_stopped(child);
                    children.push(child);
                }
                Verdict::Continue
            },
            || splits::stepped::update(add_eight).unwrap(),
        );
        check(add_eight);
        assert_eq!((update.lost, update.unfinished), (0, 0));
        assert!(children.len() >= 4, "{children:?}");
        for child in children {
            go_on(child);
        }
    });
}

fn live_on() {
    // Of another key, so that most pages are not this update's.
    lib::apply::update(add_seven).unwrap();
    let legal = [add_seven, add_eight].map(|target| splits::expected(target, X));
    stop_between(|| splits::all(X), &legal);
    for _ in 0..2 {
        assert_eq!(splits::stepped::update(add_seven).unwrap().lost, 0);
        check(add_seven);
        splits::stepped::update(splits::near).unwrap();
        check(splits::near);
    }
}
