//! Processes that come to be while threads update: forks, programs that replace themselves, and
//! programs that are started.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::Path;
use static_call_tests::{self as lib, splits};
use support::children::{exit, fork, wait};

const X: u64 = 1 << 42;

fn add_one(x: u64) -> u64 {
    x + 1
}

fn add_seven(x: u64) -> u64 {
    x + 7
}

/// A target that only children of a fork use.
fn add_twenty(x: u64) -> u64 {
    x + 20
}

fn results() -> Vec<u64> {
    [lib::all_ways(X), splits::all(X)].concat()
}

fn expected(target: fn(u64) -> u64) -> Vec<u64> {
    [lib::expected(target, X), splits::expected(target, X)].concat()
}

/// Returns whether every result is that of one of the targets.
fn are_legal(results: &[u64], targets: &[fn(u64) -> u64]) -> bool {
    let expected: Vec<_> = targets.iter().map(|target| expected(*target)).collect();
    results.iter().enumerate().all(|(way, result)| expected.iter().any(|e| e[way] == *result))
}

/// Number of rounds of [`while_updating`].
static ROUNDS: AtomicU64 = AtomicU64::new(0);

fn wait_for_rounds(more: u64) {
    let until = ROUNDS.load(Ordering::Relaxed) + more;
    while ROUNDS.load(Ordering::Relaxed) < until {
        thread::yield_now();
    }
}

fn update_forever(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        lib::apply::update(add_seven).unwrap();
        splits::stepped::update(add_seven).unwrap();
        lib::apply::reset().unwrap();
        splits::stepped::reset().unwrap();
        ROUNDS.fetch_add(1, Ordering::Relaxed);
    }
}

fn call_forever(done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        assert!(are_legal(&results(), &[add_one, add_seven]), "{:x?}", results());
    }
}

/// Runs `body` while two threads update and one calls.
fn while_updating<R>(body: impl FnOnce() -> R) -> R {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&done);
        scope.spawn(|| update_forever(&done));
        scope.spawn(|| update_forever(&done));
        scope.spawn(|| call_forever(&done));
        wait_for_rounds(2);
        body()
    })
}

fn assert_inline() {
    support::assert_path("stepped", Path::Inline);
    assert_eq!(support::open_pages(), [""; 0]);
}

/// A child updates at once, keeps its target while the parent updates, and does not change the
/// parent's.
#[test]
fn parent_and_child_keep_their_own_targets() {
    support::in_child("parent_and_child_keep_their_own_targets", &[], || {
        while_updating(|| {
            for _ in 0..40 {
                let (mut here, there) = UnixStream::pair().unwrap();
                let child = match fork() {
                    0 => {
                        drop(here);
                        let live = || keep_a_target(there);
                        exit(i32::from(std::panic::catch_unwind(live).is_err()))
                    }
                    child => child,
                };
                drop(there);
                // The end of the stream, if the child has failed.
                here.read_exact(&mut [0]).expect("the child's results are right");
                wait_for_rounds(3);
                here.write_all(&[0]).unwrap();
                wait(child);
            }
        });
        assert_eq!(results(), expected(add_one));
        assert_inline();
    });
}

/// What the child does.
fn keep_a_target(mut parent: UnixStream) {
    assert!(are_legal(&results(), &[add_one, add_seven]), "{:x?}", results());
    lib::apply::update(add_twenty).unwrap();
    splits::stepped::update(add_twenty).unwrap();
    assert_eq!(results(), expected(add_twenty));
    parent.write_all(&[0]).unwrap();
    parent.read_exact(&mut [0]).unwrap();
    assert_eq!(results(), expected(add_twenty));
    assert_inline();
    lib::apply::reset().unwrap();
    splits::stepped::reset().unwrap();
    assert_eq!(results(), expected(add_one));
    assert_inline();
}

/// The new program starts with its defaults, whatever the old one was in the middle of.
#[test]
fn a_program_replaces_itself_while_threads_update() {
    support::in_child("a_program_replaces_itself_while_threads_update", &[], || {
        let round: u32 = std::env::var("ROUND").map_or(0, |round| round.parse().unwrap());
        assert_eq!(results(), expected(add_one));
        while_updating(|| {
            if round < 12 {
                let mut next = Command::new(std::env::current_exe().unwrap());
                next.args(std::env::args_os().skip(1)).env("ROUND", (round + 1).to_string());
                panic!("exec: {}", next.exec());
            }
        });
        assert_eq!(results(), expected(add_one));
        assert_inline();
    });
}

/// Programs are started by `posix_spawn`, and by `fork` where something is to be done before.
#[test]
fn programs_are_started_while_threads_update() {
    support::in_child("programs_are_started_while_threads_update", &[], || {
        while_updating(|| {
            for round in 0..60 {
                let mut command = Command::new("true");
                if round % 2 == 0 {
                    let is_right = || match are_legal(&results(), &[add_one, add_seven]) {
                        true => Ok(()),
                        false => Err(std::io::Error::other("a call was wrong")),
                    };
                    // SAFETY: it calls functions of this program; the allocator allows it.
                    unsafe { command.pre_exec(is_right) };
                }
                assert!(command.status().unwrap().success());
            }
        });
        assert_eq!(results(), expected(add_one));
        assert_inline();
    });
}

/// Between `vfork` and `exec` a child shares its parent's memory. Its calls are right, too.
#[test]
fn a_process_that_shares_memory_calls() {
    extern "C" fn call(_: *mut libc::c_void) -> libc::c_int {
        // The allocator's locks may be held by threads of the parent, which go on.
        let is_legal = |way: &fn(u64) -> u64| {
            let result = way(X);
            [add_one(X), add_seven(X)].iter().any(|x| (0..5).any(|n| x.rotate_left(n) == result))
        };
        let ways = || lib::WAYS.iter().map(|way| &way.0).chain(splits::CALLS).chain(splits::TAILS);
        i32::from(!(0..2000).all(|_| ways().all(is_legal)))
    }
    support::in_child("a_process_that_shares_memory_calls", &[], || {
        while_updating(|| {
            for flags in [libc::CLONE_VM | libc::CLONE_VFORK, libc::CLONE_VM] {
                let mut stack = vec![0_u128; 1 << 14];
                let top = stack.as_mut_ptr_range().end.cast();
                // SAFETY: the stack lives until the child has ended, and the child only calls.
                let child =
                    unsafe { libc::clone(call, top, flags | libc::SIGCHLD, std::ptr::null_mut()) };
                assert!(child > 0, "{}", std::io::Error::last_os_error());
                wait(child);
            }
        });
        assert_inline();
    });
}
