//! Updates by an alias: code is never writable where it is executed.

use static_call::{Barrier, UpdateError};
use static_call_tests as lib;
use support::Code;
use support::callers::{are_legal, call_while};
use support::children::{self, exit, fork, wait};
use support::filter::refuse_code;
use support::supervisor::{Call, Memory, Verdict, forbid_write_then_execute, supervise_memory};

use super::{X, add_eight, add_seven, check};

const EXECUTABLE: u64 = libc::PROT_EXEC as u64;
const WRITABLE: u64 = libc::PROT_WRITE as u64;

fn add_one(x: u64) -> u64 {
    x + 1
}

/// Where code cannot be made writable, `init` leaves calls on their slots, and an alias makes them
/// inline.
#[test]
fn an_alias_works_without_write_and_execute() {
    for first in ["init", "update", "alias", "seccomp"] {
        let name = "aliased::an_alias_works_without_write_and_execute";
        support::in_child(name, &[("FIRST", first)], || {
            match first {
                // As systemd did before there was `PR_SET_MDWE`.
                "seccomp" => refuse_code(libc::EPERM),
                _ => forbid_write_then_execute(),
            }
            let linked = Code::now();
            match first {
                "init" => assert_eq!(static_call::init().unwrap().inline, 0),
                "update" => assert_eq!(lib::apply::update(add_eight).unwrap().inline, 0),
                _ => {}
            }
            linked.assert_unchanged();
            if matches!(first, "init" | "update") {
                assert!(!static_call::report().aliased);
            }
            let before = if first == "update" { add_eight } else { add_one };
            let all = static_call::init_aliased().unwrap();
            assert!(all.inline > 0 && all.indirect == 0, "{all:?}");
            assert_eq!(all.barrier, Barrier::Ran);
            check(before);
            let update = lib::apply::update(add_seven).unwrap();
            assert!(update.inline >= 4 && update.indirect == 0, "{update:?}");
            check(add_seven);
            let report = static_call::report();
            assert!(report.aliased && report.problems.is_empty(), "{report}");
            assert!(report.to_string().contains("through an alias"), "{report}");
            update.previous.restore().unwrap();
            check(before);
            static_call::unbind().unwrap();
            linked.assert_unchanged();
            check(before);
            assert!(static_call::init().unwrap().inline > 0, "an alias once, an alias always");
        });
    }
}

/// At each system call of updates, from the first one on, no mapping is writable and executable,
/// and no page is asked to be.
#[test]
fn no_mapping_is_ever_writable_and_executable() {
    support::in_child("aliased::no_mapping_is_ever_writable_and_executable", &[], || {
        let (mut calls, mut open) = (0, 0);
        let look = |call| {
            assert_eq!(support::open_pages(), [""; 0], "{call:x?}");
            match call {
                Call::Protect(_) | Call::Veneers(_) => panic!("{call:x?}"),
                Call::Memory(Memory::Map(rights, _)) => {
                    assert_ne!(rights & (WRITABLE | EXECUTABLE), WRITABLE | EXECUTABLE);
                }
                _ => {}
            }
            calls += 1;
            open += aliases().len();
            Verdict::Continue
        };
        supervise_memory(look, || {
            static_call::init_aliased().unwrap();
            lib::apply::update(add_seven).unwrap();
            lib::apply::update(add_eight).unwrap();
            static_call::unbind().unwrap();
        });
        assert!(calls > 20 && open > 3, "{calls} {open}");
        assert_eq!(aliases(), [""; 0], "the alias lives as long as an update");
        check(add_eight);
    });
}

/// Returns the mappings of copies that are writable.
fn aliases() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let is_alias = |line: &&str| line.contains(support::ALIASED) && line.contains(" rw-");
    maps.lines().filter(is_alias).map(Into::into).collect()
}

/// If a system call of `init_aliased` fails, nothing has changed, or it did what it could.
#[test]
fn every_call_of_init_aliased_may_fail() {
    support::in_child("aliased::every_call_of_init_aliased_may_fail", &[], || {
        forbid_write_then_execute();
        let linked = Code::now();
        let mut refused = 0;
        // Each in a process of its own, because the first success is for good.
        for n in 0.. {
            let mut seen = Vec::new();
            let child = fork();
            if child != 0 {
                match children::code(child) {
                    0 => refused += 1,
                    1 => {}
                    2 => break,
                    other => panic!("call {n}: {other}"),
                }
                continue;
            }
            let result = supervise_memory(
                |call| {
                    seen.push(call);
                    if seen.len() == n + 1 { Verdict::Fail(libc::EPERM) } else { Verdict::Continue }
                },
                static_call::init_aliased,
            );
            let is_refused = match (result, seen.get(n)) {
                (Err(UpdateError::AliasRefused { errno }), Some(Call::Memory(_))) => {
                    assert_eq!(errno, libc::EPERM);
                    linked.assert_unchanged();
                    assert!(!static_call::report().aliased);
                    assert_eq!(lib::apply::update(add_seven).unwrap().inline, 0);
                    true
                }
                (Ok(update), Some(Call::Memory(Memory::Unmap(_)))) => {
                    assert!(update.inline > 0);
                    false
                }
                (Ok(_), _) => false,
                (result, call) => panic!("{call:?}: {result:?}"),
            };
            if !is_refused {
                lib::apply::update(add_seven).unwrap();
                assert_eq!(aliases(), [""; 0]);
            }
            check(add_seven);
            exit(if seen.len() <= n { 2 } else { i32::from(!is_refused) });
        }
        // The page map, its entries, the file, copies, two kinds of mappings.
        assert!(refused >= 6, "{refused}");
    });
}

/// If pages cannot be replaced, and the writable mapping cannot be unmapped either, updates by
/// `mprotect` do not write there. It is reported until it is gone.
#[test]
fn a_mapping_that_stays_is_not_written() {
    support::in_child("aliased::a_mapping_that_stays_is_not_written", &[], || {
        let linked = Code::now();
        let mut maps = 0;
        let mut decide = |call| match call {
            // The second mapping is of code.
            Call::Memory(Memory::Map(rights, _)) if rights & EXECUTABLE != 0 => {
                maps += 1;
                Verdict::Fail(libc::EACCES)
            }
            Call::Memory(Memory::Unmap(_)) => Verdict::Fail(libc::ENOMEM),
            _ => Verdict::Continue,
        };
        let refused = supervise_memory(&mut decide, static_call::init_aliased).unwrap_err();
        assert_eq!(refused, UpdateError::AliasRefused { errno: libc::EACCES });
        assert_eq!(aliases().len(), 1);
        let report = static_call::report();
        assert!(!report.aliased && report.to_string().contains("left writable"), "{report}");
        let update = supervise_memory(&mut decide, || lib::apply::update(add_seven)).unwrap();
        assert_eq!((update.inline, update.lost), (0, 0), "{update:?}");
        assert!(update.pages_left_open > 0, "{update:?}");
        linked.assert_unchanged();
        check(add_seven);
        let update = lib::apply::update(add_eight).unwrap();
        assert!(update.inline > 0 && update.pages_left_open == 0, "{update:?}");
        assert_eq!((aliases(), support::open_pages()), (vec![], vec![]));
        check(add_eight);
        assert_eq!(maps, 1);
    });
}

/// If a system call of an update fails, it changes nothing, or the next update completes it.
#[test]
fn every_call_of_an_update_may_fail() {
    support::in_child("aliased::every_call_of_an_update_may_fail", &[], || {
        forbid_write_then_execute();
        static_call::init_aliased().unwrap();
        let (mut denied, mut made) = (0, 0);
        for n in 0.. {
            lib::apply::update(add_seven).unwrap();
            assert_eq!(aliases(), [""; 0]);
            let code = Code::now();
            let mut seen = Vec::new();
            let result = supervise_memory(
                |call| {
                    seen.push(call);
                    let is_it = seen.len() == n + 1;
                    if is_it { Verdict::Fail(libc::ENOMEM) } else { Verdict::Continue }
                },
                || lib::apply::update(add_eight),
            );
            match (seen.get(n), result) {
                (Some(Call::Memory(_)), Err(UpdateError::PermissionDenied { errno, .. })) => {
                    assert_eq!(errno, libc::ENOMEM);
                    code.assert_unchanged();
                    check(add_seven);
                    denied += 1;
                }
                (failed, Ok(update)) => {
                    check(add_eight);
                    // A barrier between steps failed, if there are any: chance aligns the calls.
                    let is_barrier = matches!(failed, Some(Call::Barrier(_)));
                    assert!(update.unfinished == 0 || is_barrier, "{failed:?}: {update:?}");
                    let indirect = update.indirect - update.unfinished;
                    assert_eq!((update.lost, indirect), (0, 0), "{failed:?}: {update:?}");
                    let is_alias = matches!(failed, Some(Call::Memory(Memory::Unmap(_))));
                    assert_eq!(update.pages_left_open > 0, is_alias, "{failed:?}: {update:?}");
                    made += 1;
                }
                (failed, Err(error)) => panic!("{failed:?}: {error}"),
            }
            if seen.len() <= n {
                break;
            }
        }
        assert!(denied >= 4 && made >= 3, "{denied} {made}");
    });
}

/// Kernels before 6.3 do not know the flag for executable files.
#[test]
fn an_old_kernel_has_no_flag_for_executable_files() {
    support::in_child("aliased::an_old_kernel_has_no_flag_for_executable_files", &[], || {
        const MFD_EXEC: u64 = 0x10;
        let mut asked = Vec::new();
        let decide = |call| match call {
            Call::Memory(Memory::Create(flags)) => {
                asked.push(flags);
                let is_unknown = flags & MFD_EXEC != 0;
                if is_unknown { Verdict::Fail(libc::EINVAL) } else { Verdict::Continue }
            }
            _ => Verdict::Continue,
        };
        let update = supervise_memory(decide, static_call::init_aliased).unwrap();
        assert!(update.inline > 0 && update.indirect == 0, "{update:?}");
        let close_on_exec = u64::from(libc::MFD_CLOEXEC);
        assert_eq!(asked[..2], [MFD_EXEC | close_on_exec, close_on_exec]);
        check(add_one);
    });
}

/// Threads call while another updates, and every result is legal.
#[test]
fn every_result_is_legal() {
    support::in_child("aliased::every_result_is_legal", &[], || {
        forbid_write_then_execute();
        static_call::init_aliased().unwrap();
        let legal = [add_one, add_seven, add_eight].map(|t| lib::expected(t, X));
        call_while(are_legal(|| lib::all_ways(X), legal.into()), |n| {
            let result = match n % 5 {
                0 | 2 => lib::apply::update(add_seven),
                1 => lib::apply::update(add_eight),
                3 => lib::apply::reset(),
                _ => static_call::unbind(),
            };
            assert_eq!(result.unwrap().lost, 0);
        });
    });
}

/// Updates for ever take no more memory and no more mappings.
#[test]
fn copies_are_freed() {
    support::in_child("aliased::copies_are_freed", &[], || {
        static_call::init_aliased().unwrap();
        let shared = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line =
                status.lines().find(|line| line.starts_with("RssShmem:")).unwrap().to_owned();
            (line, support::mappings().len(), std::fs::read_dir("/proc/self/fd").unwrap().count())
        };
        let mut first = None;
        for _ in 0..50 {
            lib::apply::update(add_seven).unwrap();
            lib::apply::update(add_eight).unwrap();
            let now = shared();
            assert_eq!(*first.get_or_insert(now.clone()), now);
        }
    });
}

fn update_both(turn: u64) {
    match turn % 2 {
        0 => lib::apply::update(add_seven).unwrap(),
        _ => lib::apply::update(add_eight).unwrap(),
    };
    check(if turn.is_multiple_of(2) { add_seven } else { add_eight });
}

/// Parent and child update at the same time, and each calls its own targets.
#[test]
fn parent_and_child_keep_their_own_targets() {
    support::in_child("aliased::parent_and_child_keep_their_own_targets", &[], || {
        forbid_write_then_execute();
        static_call::init_aliased().unwrap();
        for round in 0..8 {
            update_both(round);
            let child = children::child(|| {
                check(if round % 2 == 0 { add_seven } else { add_eight });
                for turn in 0..200 {
                    update_both(turn + round);
                }
                // A grandchild goes on, too.
                wait(children::child(|| update_both(round)));
                static_call::unbind().unwrap();
                check(if round % 2 == 0 { add_eight } else { add_seven });
            });
            for turn in 0..200 {
                update_both(turn);
            }
            wait(child);
            update_both(round);
        }
    });
}

/// A child that never updates keeps the targets of the moment when it was born.
#[test]
fn a_child_does_not_see_later_updates() {
    support::in_child("aliased::a_child_does_not_see_later_updates", &[], || {
        static_call::init_aliased().unwrap();
        lib::apply::update(add_seven).unwrap();
        let (mut ends, mut byte) = ([0; 2], 0_u8);
        // SAFETY: it writes two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        let child = fork();
        if child == 0 {
            // SAFETY: it reads a byte.
            let read = unsafe { libc::read(ends[0], (&raw mut byte).cast(), 1) };
            check(add_seven);
            exit(i32::from(read != 1));
        }
        lib::apply::update(add_eight).unwrap();
        // SAFETY: it writes a byte.
        assert_eq!(unsafe { libc::write(ends[1], (&raw const byte).cast(), 1) }, 1);
        wait(child);
        check(add_eight);
    });
}
