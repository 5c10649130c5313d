//! Hostile environments, really set up: system calls that a filter forbids or punishes, limits on
//! memory, no `/proc`, code on huge pages, a debugger, an emulator. In each the process lives, all
//! calls are right, the report tells the truth, no page of code stays writable, and an update works
//! once the obstacle is gone.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod debugger;
mod emulator;
mod huge_pages;
mod limits;
mod no_proc;
mod seccomp;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use static_call::{Barrier, CallReport, Grade, Path, Reason, Update, UpdateError, call};
use static_call_tests::{self as lib, hooks, splits};
use support::Code;

const X: u64 = 1 << 42;

fn add_one(x: u64) -> u64 {
    x + 1
}

fn add_seven(x: u64) -> u64 {
    x + 7
}

/// A call in the crate that is linked last, where trampolines are local and calls are aligned.
#[inline(never)]
fn here(x: u64) -> u64 {
    call!(lib::apply(x)).rotate_left(1)
}

/// Switches a key whose calls change by one store, one whose calls take steps, and jump labels.
fn switch(on: bool) -> Result<[Update; 3], UpdateError> {
    let apply = if on { lib::apply::update(add_seven) } else { lib::apply::reset() }?;
    let stepped = if on { splits::stepped::update(add_seven) } else { splits::stepped::reset() }?;
    Ok([apply, stepped, hooks::LOUD.set(on)?])
}

/// Switches a few times where no code is patched: only slots change.
fn switch_slots() {
    for on in [true, false, true] {
        for update in switch(on).unwrap() {
            assert_eq!((update.inline, update.trampoline), (0, 0));
            assert_eq!(update.barrier, Barrier::NotNeeded);
        }
        check(on);
    }
}

/// Fails unless switching bound keys off is refused for this reason, and changes nothing.
#[track_caller]
fn assert_denied(reason: i32) {
    let error = switch(false).unwrap_err();
    let UpdateError::PermissionDenied { errno, .. } = error else { panic!("{error}") };
    assert_eq!(errno, reason);
    check(true);
}

/// Returns what all calls of these keys return, in a form that can be compared.
fn all_calls() -> (Vec<u64>, [bool; 4]) {
    let calls = lib::all_ways(X).into_iter().chain(splits::all(X)).chain([here(X)]);
    (calls.chain(huge_pages::in_a_huge_page(X)).collect(), hooks::flags())
}

/// Returns what they return after [`switch`].
fn expected(on: bool) -> (Vec<u64>, [bool; 4]) {
    let target = if on { add_seven } else { add_one };
    let (apply, stepped) = (lib::expected(target, X), splits::expected(target, X));
    let calls = apply.into_iter().chain(stepped).chain([target(X).rotate_left(1)]);
    (calls.chain(huge_pages::expected(target, on)).collect(), [on, on, true, true])
}

#[track_caller]
fn check(on: bool) {
    assert_eq!(all_calls(), expected(on));
}

/// Sets the flag when it is dropped, so that other threads end after a panic, too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `body` while two threads call. Every result must be one that [`switch`] allows.
fn while_called<R>(body: impl FnOnce() -> R) -> R {
    let (done, calling) = (AtomicBool::new(false), AtomicUsize::new(0));
    // The call on a huge page adds the flag, which changes on its own.
    let last = |on, flag| huge_pages::expected(if on { add_seven } else { add_one }, flag)[1];
    let last = [false, true].map(|on| [false, true].map(|flag| last(on, flag))).concat();
    let legal = [expected(false), expected(true)];
    let call = || {
        let mut rounds = 0;
        while rounds == 0 || !done.load(Ordering::Relaxed) {
            let (calls, flags) = all_calls();
            assert!(last.contains(&calls[calls.len() - 1]));
            for (way, &result) in calls[..calls.len() - 1].iter().enumerate() {
                let is_legal = legal.iter().any(|(results, _)| results[way] == result);
                assert!(is_legal, "way {way} gave {result:#x}");
            }
            assert_eq!(flags[2..], [true, true]);
            rounds += 1;
            if rounds == 1 {
                calling.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        let _stop = Stop(&done);
        let threads = [scope.spawn(call), scope.spawn(call)];
        while calling.load(Ordering::Relaxed) < 2 {
            assert!(threads.iter().all(|thread| !thread.is_finished()), "a call was wrong");
            thread::yield_now();
        }
        body()
    })
}

/// A thread that later filters of its creator do not bind.
struct Free {
    jobs: Sender<fn()>,
    done: Receiver<()>,
}

impl Free {
    fn start() -> Self {
        let ((jobs, receive), (send, done)) = (channel::<fn()>(), channel());
        thread::spawn(move || {
            for job in receive {
                job();
                send.send(()).expect("the test waits");
            }
        });
        Self { jobs, done }
    }

    /// Runs a job there, and waits for it.
    fn run(&self, job: fn()) {
        self.jobs.send(job).expect("the thread waits");
        self.done.recv().expect("the job panicked");
    }
}

/// Returns the calls that one store retargets, and those that take steps.
fn calls() -> (Vec<CallReport>, Vec<CallReport>) {
    let calls = [support::calls("apply"), support::calls("stepped")].concat();
    let (steps, whole): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.steps);
    let is_whole = |call: &CallReport| matches!(call.grade, Some(Grade::Quad | Grade::Disp));
    let whole: Vec<_> = whole.into_iter().filter(is_whole).collect();
    assert!(whole.len() > 3 && steps.len() > 15, "{whole:#?} {steps:#?}");
    (whole, steps)
}

/// Fails unless all of these calls take this path, for this reason.
#[track_caller]
fn assert_all(calls: &[CallReport], path: Path, reason: Option<Reason>) {
    for call in calls {
        assert_eq!((call.path, call.reason), (path, reason), "{call:?}");
    }
}

/// Fails unless those of these calls that need veneers are on their trampolines, for this reason.
/// For a few, one store is enough: one part of their displacement stays the same.
#[track_caller]
fn assert_no_veneers(calls: &[CallReport], errno: i32) {
    let left = calls.iter().filter(|call| call.path != Path::Inline);
    let left: Vec<_> = left.copied().collect();
    assert!(2 * left.len() > calls.len(), "{calls:#?}");
    assert_all(&left, Path::Trampoline, Some(Reason::NoVeneer(errno)));
}

/// Fails unless every call is inline.
#[track_caller]
fn assert_inline() {
    let (whole, steps) = calls();
    assert_all(&[whole, steps].concat(), Path::Inline, None);
}

/// Fails unless every call goes through the slot, because code may not be patched, and `code` is
/// what it was.
#[track_caller]
fn assert_refused(errno: i32, code: &Code) {
    let (whole, steps) = calls();
    assert_all(&[whole, steps].concat(), Path::Indirect, Some(Reason::Refused(errno)));
    assert!(static_call::report().keys.iter().all(|key| !key.bound));
    code.assert_unchanged();
    assert_eq!(support::open_pages(), [""; 0]);
}

/// Fails unless a problem of the report contains this text.
#[track_caller]
fn assert_problem(text: &str) {
    let report = static_call::report();
    assert!(report.problems.iter().any(|p| p.message.contains(text)), "{text}: {report}");
}
