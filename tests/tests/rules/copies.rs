//! Copies of code pages, and what debuggers, signals and forks without handlers do to them.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use static_call::{CallReport, Path, UpdateError, call, static_call};
use static_call_tests as lib;
use support::children::{child_without_handlers, exit, go_on, stop_between, wait_until_stopped};
use support::supervisor::{Call, Memory, Verdict, supervise_memory};
use support::{BREAKPOINT, Code};

use super::{X, add_eight, add_seven, check};

const PAGE: usize = 4096;

#[static_call]
fn other(x: u64) -> u64 {
    x
}

/// A copy of a uprobe would end the process, and one of a page that an update changed cannot be
/// told from it.
#[test]
fn changed_pages_are_not_copied() {
    for by_update in ["0", "1"] {
        let name = "copies::changed_pages_are_not_copied";
        support::in_child(name, &[("UPDATE", by_update)], || {
            let call = support::calls("apply")[0];
            let code = Code::now();
            let page = if by_update == "1" {
                lib::apply::update(add_seven).unwrap();
                None
            } else {
                let kept = support::poke(call.address, BREAKPOINT);
                assert!(static_call::init_aliased().is_err());
                support::poke(call.address, kept);
                Some(call.address & !(PAGE - 1))
            };
            let Err(UpdateError::PageChanged { address }) = static_call::init_aliased() else {
                panic!("it was copied")
            };
            assert_eq!(page.unwrap_or(address), address);
            assert!(!static_call::report().aliased);
            if by_update == "0" {
                code.assert_unchanged();
            }
            lib::apply::update(add_eight).unwrap();
            check(add_eight);
        });
    }
}

/// A copy that is larger than files may be is an error, not the signal that ends a process.
#[test]
fn a_limit_of_file_sizes_is_kept() {
    support::in_child("copies::a_limit_of_file_sizes_is_kept", &[], || {
        let code = Code::now();
        let limit = |size| {
            let limit = libc::rlimit { rlim_cur: size, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: it reads the limit.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        };
        limit(1000);
        let error = static_call::init_aliased().unwrap_err();
        limit(libc::RLIM_INFINITY);
        assert_eq!(error, UpdateError::AliasRefused { errno: libc::EFBIG });
        code.assert_unchanged();
        assert!(static_call::init_aliased().unwrap().inline > 0);
    });
}

/// Returns the inline calls of `apply`.
fn inline_calls() -> Vec<CallReport> {
    let calls = support::calls("apply").into_iter();
    let calls: Vec<_> = calls.filter(|call| call.path == Path::Inline).collect();
    assert!(calls.len() >= 4, "{calls:#?}");
    calls
}

/// A breakpoint in an instruction is an error. What is elsewhere in its page is copied with it.
#[test]
fn breakpoints_are_kept() {
    support::in_child("copies::breakpoints_are_kept", &[], || {
        static_call::init_aliased().unwrap();
        lib::apply::update(add_seven).unwrap();
        let mut elsewhere = 0;
        for call in inline_calls() {
            lib::apply::update(add_seven).unwrap();
            let kept = support::poke(call.address, BREAKPOINT);
            let code = Code::now();
            let error = lib::apply::update(add_eight).unwrap_err();
            assert!(matches!(error, UpdateError::ForeignBytes { .. }), "{error}");
            code.assert_unchanged();
            support::poke(call.address, kept);
            assert_eq!(lib::apply::update(add_eight).unwrap().lost, 0);
            check(add_eight);

            let Some(place) = padding(call.address) else { continue };
            elsewhere += 1;
            support::poke(place, NOP);
            assert_eq!(lib::apply::update(add_seven).unwrap().lost, 0);
            assert_eq!(support::poke(place, BREAKPOINT), NOP);
            check(add_seven);
            assert_eq!(lib::apply::update(add_eight).unwrap().lost, 0);
            check(add_eight);
        }
        assert!(elsewhere > 0);
    });
}

const NOP: u8 = 0x90;

/// Returns a byte in the same page that nothing executes: between functions the linker puts traps.
fn padding(address: usize) -> Option<usize> {
    let page = address & !(PAGE - 1);
    let bytes = support::read(page, PAGE);
    let at = bytes.windows(5).position(|bytes| bytes == [BREAKPOINT; 5])?;
    Some(page + at + 2)
}

/// If a debugger writes into a page while it is open, stores there do not show. They count as lost,
/// calls work, and the next update makes them.
#[test]
fn stores_that_do_not_show_are_lost() {
    support::in_child("copies::stores_that_do_not_show_are_lost", &[], || {
        static_call::init_aliased().unwrap();
        lib::apply::update(add_seven).unwrap();
        let calls = inline_calls();
        let mut replaced = 0;
        let update = supervise_memory(
            |call| {
                if is_replacing(call) {
                    // Some of the pages were replaced before.
                    replaced += 1;
                    for call in calls.iter().filter(|_| replaced > 1) {
                        support::poke(call.address, support::read(call.address, 1)[0]);
                    }
                }
                Verdict::Continue
            },
            || lib::apply::update(add_eight).unwrap(),
        );
        assert!(replaced > 1 && update.lost > 0, "{replaced} {update:?}");
        let results = lib::all_ways(X);
        let legal = [add_seven, add_eight].map(|target| lib::expected(target, X));
        for (way, result) in results.into_iter().enumerate() {
            assert!(legal.iter().any(|results| results[way] == result), "way {way}");
        }
        assert_eq!(lib::apply::update(|x| x + 9).unwrap().lost, 0);
        check(|x| x + 9);
    });
}

/// Returns whether a call replaces pages by copies.
fn is_replacing(call: Call) -> bool {
    let is_fixed = |flags: u64| flags & libc::MAP_FIXED as u64 != 0;
    matches!(call, Call::Memory(Memory::Map(_, flags)) if is_fixed(flags))
}

/// Returns whether a writable mapping of copies exists.
fn is_open() -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| line.contains(support::ALIASED) && line.contains(" rw-"))
}

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn update_in_handler(_signal: i32) {
    if is_open() {
        exit(3);
    }
    match lib::apply::update(add_seven) {
        Err(UpdateError::Reentered) => HANDLED.fetch_add(1, Ordering::SeqCst),
        _ => exit(4),
    };
}

/// Signals wait until pages are closed: a handler could fork.
#[test]
fn no_handler_runs_while_pages_are_open() {
    support::in_child("copies::no_handler_runs_while_pages_are_open", &[], || {
        // SAFETY: the handler only updates and looks, which is what this test is about.
        unsafe { libc::signal(libc::SIGUSR1, update_in_handler as *const () as usize) };
        static_call::init_aliased().unwrap();
        // Makes veneers, if it needs some.
        lib::apply::update(add_eight).unwrap();
        lib::apply::update(add_seven).unwrap();
        let thread = AtomicI32::new(0);
        let mut sent = 0;
        supervise_memory(
            |call| {
                // The handler looks around, too.
                if matches!(call, Call::Memory(Memory::Open | Memory::Read(_))) {
                    return Verdict::Continue;
                }
                let thread = thread.load(Ordering::SeqCst);
                let is_blocked = blocked(thread) & 1 << (libc::SIGUSR1 - 1) != 0;
                // From before there is a file until the alias is gone.
                let is_memory = matches!(call, Call::Memory(_));
                assert!(is_blocked || !is_memory, "{call:?}");
                // A barrier comes between steps, if there are any, and last.
                assert!(is_memory || is_blocked == is_open(), "{call:?}");
                for own in [libc::SIGSEGV, libc::SIGTRAP, libc::SIGSYS] {
                    assert_eq!(blocked(thread) & 1 << (own - 1), 0);
                }
                if is_blocked && sent == 0 {
                    let process = std::process::id();
                    // SAFETY: the thread is alive: it waits for this one.
                    let done =
                        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
                    assert_eq!(done, 0);
                    sent += 1;
                }
                Verdict::Continue
            },
            || {
                // SAFETY: it only queries.
                thread.store(unsafe { libc::gettid() }, Ordering::SeqCst);
                lib::apply::update(add_eight).unwrap();
            },
        );
        assert_eq!((sent, HANDLED.load(Ordering::SeqCst)), (1, 1));
        check(add_eight);
    });
}

/// Returns the signals that a thread blocks.
fn blocked(thread: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

/// At each system call of an update another thread forks, without running fork handlers. Once the
/// child has updated, it no longer sees what its parent stores.
#[test]
fn forks_without_handlers_part() {
    support::in_child("copies::forks_without_handlers_part", &[], || {
        static_call::init_aliased().unwrap();
        lib::apply::update(add_seven).unwrap();
        let mut children = Vec::new();
        let mut while_open = 0;
        supervise_memory(
            |_| {
                while_open += i32::from(is_open());
                let child = child_without_handlers(live_on);
                wait_until_stopped(child);
                children.push(child);
                Verdict::Continue
            },
            || lib::apply::update(add_eight).unwrap(),
        );
        check(add_eight);
        assert!(children.len() >= 6 && while_open >= 2, "{children:?} {while_open}");
        for child in children {
            go_on(child);
        }
        check(add_eight);
    });
}

fn live_on() {
    // Of another key, so that most pages are not this update's.
    other::update(|x| x + 2).unwrap();
    assert_eq!(call!(other(1)), 3);
    assert!(!is_open());
    let legal = [add_seven, add_eight].map(|target| lib::expected(target, X));
    stop_between(|| lib::all_ways(X), &legal);
    for _ in 0..2 {
        assert_eq!(lib::apply::update(|x| x + 9).unwrap().lost, 0);
        check(|x| x + 9);
        assert_eq!(lib::apply::update(add_seven).unwrap().lost, 0);
        check(add_seven);
        static_call::unbind().unwrap();
        check(add_seven);
    }
}
