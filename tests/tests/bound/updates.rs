//! Updates of bound keys.

use std::arch::asm;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{Path, UpdateError, batch, call, static_call};
use static_call_tests::{self as lib, hooks, splits};
use support::Code;
use support::children::{child, child_without_handlers, wait};
use support::supervisor::{Call, Verdict, forbid_write_then_execute, supervise};

use super::{X, add_eight, add_one, add_seven, check_apply, check_stepped, in_bound_image};

#[static_call]
fn mine(x: u64) -> u64 {
    std::hint::black_box(x) + 40
}

#[inline(never)]
fn work(x: u64) -> u64 {
    call!(mine(x)).rotate_left(1)
}

/// The first update of all calls of a key from the file, and back, in steps.
#[test]
fn split_calls_leave_their_default_and_come_back() {
    in_bound_image("updates::split_calls_leave_their_default_and_come_back", &[], || {
        support::assert_path("stepped", Path::Inline);
        let bound = Code::now();
        for _ in 0..3 {
            let update = splits::stepped::update(add_eight).unwrap();
            assert_eq!((update.lost, update.unfinished, update.pages_left_open), (0, 0, 0));
            check_stepped(add_eight);
            support::assert_path("stepped", Path::Inline);
            splits::stepped::update(add_seven).unwrap();
            check_stepped(add_seven);
            splits::stepped::reset().unwrap();
            check_stepped(add_one);
            bound.assert_unchanged();
        }
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

/// Defines keys, and a tail call of each whose displacement is split after two bytes.
macro_rules! neighbours {
    ($($key:ident $caller:ident $number:literal;)*) => {
        $(
            #[static_call]
            fn $key(x: u64) -> u64 {
                std::hint::black_box(x) ^ $number
            }

            #[inline(never)]
            fn $caller(x: u64) -> u64 {
                // SAFETY: it only pads with no-ops.
                unsafe {
                    asm!(
                        ".balign 64, 0x90",
                        ".skip 61, 0x90",
                        options(nomem, nostack, preserves_flags),
                    );
                }
                call!($key(x))
            }
        )*

        fn update_each_neighbour() {
            $(
                assert!(support::calls(stringify!($key)).iter().all(|call| call.steps));
                assert_eq!($caller(std::hint::black_box(X)), X ^ $number);
                let update = $key::update(add_eight).unwrap();
                assert_eq!((update.inline, update.barriers), (1, 3), "{update:?}");
                assert_eq!($caller(std::hint::black_box(X)), X + 8);
            )*
        }
    };
}

neighbours! {
    one call_one 1;
    two call_two 2;
    three call_three 3;
    four call_four 4;
    five call_five 5;
    six call_six 6;
    seven call_seven 7;
    eight call_eight 8;
    nine call_nine 9;
    ten call_ten 10;
}

/// The veneers of defaults that lie together share pages, which the first update makes executable.
#[test]
fn keys_share_pages_of_veneers() {
    in_bound_image("updates::keys_share_pages_of_veneers", &[], || {
        update_each_neighbour();
        lib::apply::update(add_eight).unwrap();
        mine::update(add_seven).unwrap();
        splits::stepped::update(add_eight).unwrap();
        check_apply(add_eight);
        check_stepped(add_eight);
        assert_eq!(work(X), (X + 7).rotate_left(1));
        support::assert_path("stepped", Path::Inline);
    });
}

#[test]
fn unbinding_restores_what_was_linked() {
    in_bound_image("updates::unbinding_restores_what_was_linked", &[], || {
        let bound = Code::now();
        let update = static_call::unbind().unwrap();
        assert_eq!((update.inline, update.trampoline), (0, 0), "{update:?}");
        for key in ["stepped", "heard", "LOUD", "mine"] {
            support::assert_path(key, Path::Indirect);
        }
        check_stepped(add_one);
        check_apply(add_one);
        // Through the slot.
        support::filter::refuse_code(libc::EACCES);
        splits::stepped::update(add_seven).unwrap();
        check_stepped(add_seven);
        assert!(!bound.changed().is_empty());
    });
}

#[test]
fn batches_guards_and_tokens_work() {
    in_bound_image("updates::batches_guards_and_tokens_work", &[], || {
        let bound = Code::now();
        let update = batch(|b| {
            b.update(lib::apply::KEY, add_seven)?;
            b.update(splits::stepped::KEY, add_eight)?;
            Ok(())
        });
        let update = update.unwrap();
        check_apply(add_seven);
        check_stepped(add_eight);
        update.previous.restore().unwrap();
        check_apply(add_one);
        check_stepped(add_one);
        bound.assert_unchanged();
        {
            let _guard = splits::stepped::scoped(add_seven).unwrap();
            check_stepped(add_seven);
        }
        check_stepped(add_one);
        bound.assert_unchanged();
        static_call::seal();
        splits::stepped::update(add_seven).unwrap_err();
        check_stepped(add_one);
    });
}

#[test]
fn hooks_and_flags_are_turned_on_and_off() {
    static SUM: AtomicU64 = AtomicU64::new(0);
    fn hear(x: u64) {
        SUM.fetch_add(x, Ordering::Relaxed);
    }
    in_bound_image("updates::hooks_and_flags_are_turned_on_and_off", &[], || {
        let heard = || {
            let mut evaluated = 0;
            for way in hooks::WAYS {
                way(&mut || {
                    evaluated += 1;
                    5
                });
            }
            (evaluated, SUM.swap(0, Ordering::Relaxed))
        };
        for _ in 0..2 {
            assert_eq!(heard(), (0, 0));
            hooks::heard::update(hear).unwrap();
            assert_eq!(heard(), (3, 15));
            hooks::heard::disable().unwrap();
            assert_eq!(hooks::flags(), [false, false, true, true]);
            hooks::LOUD.enable().unwrap();
            hooks::KEPT.disable().unwrap();
            assert_eq!(hooks::flags(), [true, true, false, false]);
            hooks::LOUD.disable().unwrap();
            hooks::KEPT.enable().unwrap();
        }
    });
}

/// Threads call while the first updates, `unbind` and `init` rewrite what is bound.
#[test]
fn threads_call_meanwhile() {
    in_bound_image("updates::threads_call_meanwhile", &[], || {
        let targets: [fn(u64) -> u64; 3] = [add_one, add_seven, add_eight];
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ends.load(Ordering::Relaxed) {
                        for function in splits::CALLS {
                            let got = function(X).rotate_right(1);
                            assert!(targets.iter().any(|target| target(X) == got), "{got}");
                        }
                    }
                });
            }
            for _ in 0..200 {
                splits::stepped::update(add_eight).unwrap();
                static_call::unbind().unwrap();
                static_call::init().unwrap();
                splits::stepped::update(add_seven).unwrap();
                splits::stepped::reset().unwrap();
            }
            ends.store(true, Ordering::Relaxed);
        });
    });
}

/// Forked children update, even those that were forked in the middle of the first update.
#[test]
fn forks_update() {
    in_bound_image("updates::forks_update", &[], || {
        wait(child(|| {
            splits::stepped::update(add_seven).unwrap();
            check_stepped(add_seven);
        }));
        check_stepped(add_one);
        let mut children = Vec::new();
        supervise(
            |call| {
                if let Call::Barrier(_) = call {
                    children.push(child_without_handlers(|| {
                        splits::stepped::update(add_seven).unwrap();
                        check_stepped(add_seven);
                        splits::stepped::reset().unwrap();
                        check_stepped(add_one);
                        static_call::unbind().unwrap();
                        check_stepped(add_one);
                    }));
                }
                Verdict::Continue
            },
            || splits::stepped::update(add_eight).unwrap(),
        );
        assert!(children.len() >= 3, "{children:?}");
        children.into_iter().for_each(wait);
        check_stepped(add_eight);
    });
}

/// Where code cannot be made writable, an alias lets bound keys be updated.
#[test]
fn an_alias_moves_bound_calls() {
    in_bound_image("updates::an_alias_moves_bound_calls", &[], || {
        forbid_write_then_execute();
        let bound = Code::now();
        let error = splits::stepped::update(add_eight).unwrap_err();
        assert!(matches!(error, UpdateError::BoundAtLink { .. }), "{error}");
        bound.assert_unchanged();
        static_call::init_aliased().unwrap();
        check_stepped(add_one);
        for _ in 0..2 {
            let update = splits::stepped::update(add_eight).unwrap();
            assert_eq!((update.lost, update.indirect), (0, 0), "{update:?}");
            check_stepped(add_eight);
            lib::apply::update(add_seven).unwrap();
            check_apply(add_seven);
            static_call::unbind().unwrap();
            check_stepped(add_eight);
            check_apply(add_seven);
        }
    });
}
