//! Filters of system calls, as a sandbox installs them.

use libc::{MAP_FIXED_NOREPLACE, PROT_EXEC, PROT_WRITE, SYS_membarrier, SYS_mmap, SYS_mprotect};
use static_call::{Barrier, Path, Reason, UpdateError};
use static_call_tests::{self as lib, splits};
use support::Code;
use support::children::{child, exit, fork, wait};
use support::filter::{Action, allow_only, forbid};
use support::limits::keep_memory;

use super::{
    Free, X, add_one, add_seven, all_calls, assert_all, assert_denied, assert_inline,
    assert_no_veneers, assert_problem, assert_refused, calls, check, expected, switch,
    switch_slots, while_called,
};

const ANY: (u32, u32) = (0, 0);
const WRITE_AND_EXECUTE: (u32, u32) = (2, (PROT_WRITE | PROT_EXEC) as u32);

/// Runs `body` in children in which a call fails with an errno.
fn with_errno(test: &str, errnos: &[i32], body: impl Fn(i32)) {
    for errno in errnos {
        support::in_child(test, &[("ERRNO", &errno.to_string())], || body(*errno));
    }
}

/// As on a kernel without it: calls that take steps stay on their trampolines.
#[test]
fn membarrier_is_refused_from_the_start() {
    let test = "seccomp::membarrier_is_refused_from_the_start";
    with_errno(test, &[libc::EPERM, libc::ENOSYS], |errno| {
        let free = Free::start();
        forbid(SYS_membarrier, ANY, Action::Fail(errno));
        let look = |errno| {
            let (whole, steps) = calls();
            assert_all(&whole, Path::Inline, None);
            assert_all(&steps, Path::Trampoline, Some(Reason::NoBarrier(errno)));
            assert_problem(&format!("membarrier is not available (errno {errno})"));
            assert_eq!(static_call::report().veneer_pages, 0);
            assert_eq!(support::open_pages(), [""; 0]);
        };
        while_called(|| {
            check(false);
            static_call::init().unwrap();
            for on in [true, false, true] {
                for update in switch(on).unwrap() {
                    assert_eq!(update.barrier, Barrier::Missing(errno));
                    assert_eq!((update.barriers, update.lost, update.unfinished), (0, 0, 0));
                }
                check(on);
                look(errno);
            }
        });
        // What was found at the first use holds for as long as the program runs.
        free.run(|| drop(switch(false).unwrap()));
        check(false);
        look(errno);
        static_call::unbind().unwrap();
        check(false);
    });
}

/// Every call goes through the slot, and no code changes.
#[test]
fn executable_memory_is_refused_from_the_start() {
    let test = "seccomp::executable_memory_is_refused_from_the_start";
    with_errno(test, &[libc::EPERM, libc::EACCES], |errno| {
        let (free, code) = (Free::start(), Code::now());
        forbid(SYS_mprotect, (2, PROT_EXEC as u32), Action::Fail(errno));
        while_called(|| {
            static_call::init().unwrap();
            switch_slots();
        });
        assert_refused(errno, &code);
        free.run(|| drop(switch(false).unwrap()));
        check(false);
        assert_refused(errno, &code);
    });
}

/// A right that is lost fails updates of bound keys. When it comes back they work.
#[test]
fn writable_code_is_refused_for_a_while() {
    let test = "seccomp::writable_code_is_refused_for_a_while";
    with_errno(test, &[libc::EPERM], |errno| {
        let free = Free::start();
        switch(true).unwrap();
        assert_inline();
        let code = Code::now();
        forbid(SYS_mprotect, WRITE_AND_EXECUTE, Action::Fail(errno));
        while_called(|| {
            for _ in 0..3 {
                assert_denied(errno);
                code.assert_unchanged();
                assert_eq!(support::open_pages(), [""; 0]);
            }
            free.run(|| drop(switch(false).unwrap()));
            check(false);
            assert_inline();
        });
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

/// If membarrier is lost after calls were bound, the next update says so, and calls that take steps
/// stay where they work. When it comes back they go on.
#[test]
fn membarrier_is_refused_for_a_while() {
    let test = "seccomp::membarrier_is_refused_for_a_while";
    with_errno(test, &[libc::EPERM, libc::ENOSYS], |errno| {
        let free = Free::start();
        switch(true).unwrap();
        assert_inline();
        forbid(SYS_membarrier, ANY, Action::Fail(errno));
        while_called(|| {
            let update = splits::stepped::reset().unwrap();
            assert_eq!(update.barrier, Barrier::Missing(errno));
            assert_eq!(splits::all(X), splits::expected(add_one, X));
            // Others wait for a barrier, too, and keep their target until then.
            let error = lib::apply::reset().unwrap_err();
            let UpdateError::CannotRetarget { errno: reported, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(reported, errno);
            assert_eq!(lib::all_ways(X), lib::expected(add_seven, X));
            let (whole, steps) = calls();
            assert_all(&whole, Path::Inline, None);
            let is_left = |reason| steps.iter().filter(|call| call.reason == reason).count();
            assert_eq!(is_left(Some(Reason::Unfinished)), update.unfinished);
            assert_eq!(is_left(None), steps.len() - update.unfinished);
            assert!(update.unfinished > 0);
            free.run(|| drop(switch(true).unwrap()));
            check(true);
            assert_inline();
        });
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

/// Without memory for veneers, calls that take steps stay on their trampolines until there is some.
#[test]
fn memory_for_veneers_is_refused_for_a_while() {
    let test = "seccomp::memory_for_veneers_is_refused_for_a_while";
    with_errno(test, &[libc::ENOMEM, libc::EPERM], |errno| {
        let free = Free::start();
        forbid(SYS_mmap, (3, MAP_FIXED_NOREPLACE as u32), Action::Fail(errno));
        while_called(|| {
            for on in [true, false, true] {
                let [apply, ..] = switch(on).unwrap();
                assert_eq!((apply.barrier, apply.barriers), (Barrier::Ran, 1));
                check(on);
                let (whole, steps) = calls();
                assert_all(&whole, Path::Inline, None);
                assert_no_veneers(&steps, errno);
                let report = static_call::report();
                let reason = format!("veneers cannot be mapped (errno {errno})");
                assert!(report.to_string().contains(&reason), "{report}");
                assert_eq!(report.veneer_pages, 0);
            }
            free.run(|| drop(switch(false).unwrap()));
            check(false);
            assert_inline();
        });
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

/// Everything that a program may ask for.
fn everything() {
    static_call::init().unwrap();
    for on in [true, false, true] {
        switch(on).unwrap();
        check(on);
    }
    static_call::batch(|batch| {
        batch.reset(lib::apply::KEY)?;
        batch.reset(splits::stepped::KEY)
    })
    .unwrap();
    lib::apply::update(add_seven).unwrap().previous.restore().unwrap();
    static_call::unbind().unwrap();
    switch(false).unwrap();
    wait(child(|| {
        switch(true).unwrap();
        check(true);
    }));
    check(false);
}

/// A filter may kill a program that makes the call. With `STATIC_CALL=indirect` it never does.
#[test]
fn deadly_calls_are_not_made() {
    let test = "seccomp::deadly_calls_are_not_made";
    for (name, call, argument) in [
        ("mprotect", SYS_mprotect, WRITE_AND_EXECUTE),
        ("membarrier", SYS_membarrier, ANY),
        ("mmap", SYS_mmap, (3, MAP_FIXED_NOREPLACE as u32)),
    ] {
        let environment = |cap| [("FORBIDDEN", name), ("STATIC_CALL", cap)];
        support::in_child(test, &environment("indirect"), || {
            let code = Code::now();
            forbid(call, argument, Action::Kill);
            while_called(everything);
            let (whole, steps) = calls();
            assert_all(&[whole, steps].concat(), Path::Indirect, Some(Reason::Capped));
            code.assert_unchanged();
            assert_eq!(support::open_pages(), [""; 0]);
        });
        support::killed_in_child(test, &environment("inline"), libc::SIGSYS, || {
            forbid(call, argument, Action::Kill);
            while_called(everything);
        });
    }
}

/// The list of docs/deploying.md is complete: a filter that allows only these calls does no harm.
#[test]
fn only_documented_calls_are_made() {
    // What a first update and later ones make, and what a program needs to end.
    let documented = [
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_membarrier,
        libc::SYS_futex,
        libc::SYS_exit_group,
    ];
    let page = include_str!("../../../docs/deploying.md");
    let table: String =
        page.lines().skip_while(|l| !l.contains("asks of the kernel")).take(16).collect();
    for name in ["getpid", "gettid", "mmap", "munmap", "mprotect", "membarrier", "futex"] {
        assert!(table.contains(&format!("`{name}")), "{name}: {table}");
    }
    for cap in ["inline", "indirect"] {
        let test = "seccomp::only_documented_calls_are_made";
        support::in_child(test, &[("STATIC_CALL", cap)], || {
            keep_memory();
            match fork() {
                0 => {
                    allow_only(&documented);
                    static_call::init().unwrap();
                    let is_right = [true, false, true]
                        .into_iter()
                        .all(|on| switch(on).is_ok() && all_calls() == expected(on));
                    static_call::unbind().unwrap();
                    let report = static_call::report();
                    let is_as_capped = (report.totals().indirect > 0) && report.problems.is_empty();
                    exit(i32::from(!is_right || !is_as_capped))
                }
                child => wait(child),
            }
        });
    }
}
