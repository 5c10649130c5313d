//! Every system call of a batch, of `init`, of `unbind` and of a restore fails once, with each
//! `errno` that it can have.

use std::sync::atomic::{AtomicU64, Ordering};

use static_call::{Barrier, Path, Previous, Update, UpdateError};
use static_call_tests::{self as lib, splits};
use support::Code;
use support::supervisor::{Call, Verdict, supervise};

use super::{X, add_eight, add_seven};

static SUM: AtomicU64 = AtomicU64::new(0);

fn note(_: &AtomicU64, x: u64) {
    SUM.fetch_add(x, Ordering::Relaxed);
}

/// Makes three keys call other targets: one with calls on several pages, one with calls in steps,
/// and a hook.
fn update(target: fn(u64) -> u64, is_on: bool) -> Result<Update, UpdateError> {
    static_call::batch(|batch| {
        batch.update_fn(lib::apply::KEY, target)?;
        batch.update_fn(splits::stepped::KEY, target)?;
        if is_on { batch.update(lib::note::KEY, note) } else { batch.reset(lib::note::KEY) }
    })
}

/// Checks that all calls of the three keys reach these targets.
fn check(target: fn(u64) -> u64, is_on: bool, context: &str) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X), "{context}");
    assert_eq!(splits::all(X), splits::expected(target, X), "{context}");
    let before = SUM.load(Ordering::Relaxed);
    lib::note(&SUM, 5);
    let noted = SUM.load(Ordering::Relaxed) - before;
    assert_eq!(noted, if is_on { 5 } else { 0 }, "{context}");
}

/// What is done, and whether the targets change with it.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Batch,
    Init,
    Unbind,
    Restore,
}

use Operation::{Batch, Init, Restore, Unbind};

impl Operation {
    /// Brings everything into the state from which the operation starts: the old targets, bound,
    /// except for `init`. Returns the token of `restore`.
    fn prepare(self) -> Option<Previous> {
        static_call::init().unwrap();
        update(add_eight, true).unwrap();
        let before = update(add_seven, false).unwrap().previous;
        if let Init = self {
            static_call::unbind().unwrap();
        }
        matches!(self, Restore).then_some(before)
    }

    fn run(self, previous: Option<Previous>) -> Result<Update, UpdateError> {
        match self {
            Batch => update(add_eight, true),
            Init => static_call::init(),
            Unbind => static_call::unbind(),
            Restore => previous.expect("a token").restore(),
        }
    }

    /// Whether the targets are the new ones if it succeeds.
    fn changes(self) -> bool {
        matches!(self, Batch | Restore)
    }
}

/// The errors that a call can have (its manual page, and what filters return).
fn errors(call: Call) -> &'static [i32] {
    match call {
        Call::Protect(_) | Call::Veneers(_) => &[libc::EACCES, libc::ENOMEM, libc::EPERM],
        Call::Barrier(_) => &[libc::EPERM, libc::EINVAL, libc::ENOSYS, libc::ENOMEM],
        _ => &[libc::ENOSYS],
    }
}

/// What came of it, with a call that failed.
fn judge(
    operation: Operation,
    failed: Option<Call>,
    result: Result<Update, UpdateError>,
    code: &Code,
) {
    let context = format!("{operation:?}, {failed:x?} failed: {result:?}");
    let (old, new) = ((add_seven as fn(u64) -> u64, false), (add_eight as fn(u64) -> u64, true));
    let is_writable = |p: u64| p & libc::PROT_WRITE as u64 != 0;
    match result {
        Err(UpdateError::PermissionDenied { .. }) => {
            assert!(matches!(failed, Some(Call::Protect(p)) if is_writable(p)), "{context}");
            code.assert_unchanged();
            check(old.0, old.1, &context);
            assert_eq!(support::open_pages(), [""; 0], "{context}");
        }
        // An instruction could not leave where it is, because its barrier is missing.
        Err(UpdateError::CannotRetarget { .. }) => {
            assert!(matches!(failed, Some(Call::Barrier(_))), "{context}");
            code.assert_unchanged();
            check(old.0, old.1, &context);
        }
        Err(error) => panic!("{error}: {context}"),
        Ok(update) => {
            let (target, is_on) = if operation.changes() { new } else { old };
            check(target, is_on, &context);
            assert_eq!(update.lost, 0, "{context}");
            let left_open = matches!(failed, Some(Call::Protect(p)) if !is_writable(p));
            assert_eq!(update.pages_left_open > 0, left_open, "{context}");
            assert_eq!(support::open_pages().is_empty(), !left_open, "{context}");
            let report = static_call::report().to_string();
            assert_eq!(report.contains("left writable"), left_open, "{context}\n{report}");
            match failed {
                Some(Call::Barrier(_)) => {}
                // Nothing was bound, so the slots are enough.
                Some(Call::Protect(p)) if is_writable(p) => {
                    assert!(matches!(operation, Init), "{context}");
                    assert_eq!((update.inline, update.trampoline), (0, 0), "{context}");
                    code.assert_unchanged();
                }
                _ => {
                    assert_eq!(update.barrier, Barrier::Ran, "{context}");
                    assert_eq!(update.unfinished, 0, "{context}");
                }
            }
        }
    }
}

/// Fails each call of an operation once, with each of its errors.
fn fail_each(operation: Operation) {
    let mut failures = 0;
    for n in 0.. {
        assert!(n < 256, "{operation:?} makes only some calls");
        let mut which = 0;
        loop {
            let previous = operation.prepare();
            let code = Code::now();
            let (mut seen, mut failed) = (0, None);
            let result = supervise(
                |call| {
                    seen += 1;
                    if seen != n + 1 {
                        return Verdict::Continue;
                    }
                    failed = Some(call);
                    Verdict::Fail(errors(call)[which])
                },
                || operation.run(previous),
            );
            judge(operation, failed, result, &code);
            // The next update completes whatever was left over.
            update(add_eight, true).unwrap();
            check(add_eight, true, "afterwards");
            assert_eq!(support::open_pages(), [""; 0], "{operation:?}, {failed:x?}");
            support::assert_path("apply", Path::Inline);
            let Some(call) = failed else {
                assert!(failures > 3, "{operation:?}: {failures}");
                return;
            };
            failures += 1;
            which += 1;
            if which == errors(call).len() {
                break;
            }
        }
    }
}

#[test]
fn every_call_of_a_batch_may_fail() {
    support::in_child("batches::every_call_of_a_batch_may_fail", &[], || fail_each(Batch));
}

#[test]
fn every_call_of_init_may_fail() {
    support::in_child("batches::every_call_of_init_may_fail", &[], || fail_each(Init));
}

#[test]
fn every_call_of_unbind_may_fail() {
    support::in_child("batches::every_call_of_unbind_may_fail", &[], || fail_each(Unbind));
}

#[test]
fn every_call_of_a_restore_may_fail() {
    support::in_child("batches::every_call_of_a_restore_may_fail", &[], || fail_each(Restore));
}
