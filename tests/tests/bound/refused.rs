//! Where the bound code cannot be rewritten, an update is an error that says why, and the default
//! stays.

use object::{Object, ObjectSection};
use static_call::layout::{LABELS_SECTION, TABLE_SECTION, TRAMPOLINES_SECTION, TableHeader};
use static_call::{Path, Reason, UpdateError, batch};
use static_call_tests::{self as lib, hooks, splits};
use support::Code;
use support::filter::refuse_code;
use support::limits::limited;
use support::supervisor::{Call, Verdict, refuse_barriers, supervise};

use super::{
    add_eight, add_one, add_seven, check_apply, check_stepped, in_bound_image, in_changed_image,
};

/// Checks that bound keys keep their defaults, for this reason.
fn check_refused(reason: Reason) {
    let bound = Code::now();
    let is_refused = |result: Result<static_call::Update, UpdateError>, key: &'static str| {
        assert_eq!(result.unwrap_err(), UpdateError::BoundAtLink { key, reason });
    };
    is_refused(lib::apply::update(add_seven), "apply");
    is_refused(splits::stepped::update(add_eight), "stepped");
    is_refused(hooks::heard::update(|_| ()), "heard");
    is_refused(hooks::LOUD.enable(), "LOUD");
    is_refused(hooks::KEPT.disable(), "KEPT");
    let both = batch(|b| {
        b.update(splits::stepped::KEY, splits::stepped::original)?;
        b.update(lib::apply::KEY, add_seven)
    });
    assert!(matches!(both, Err(UpdateError::BoundAtLink { .. })), "{both:?}");
    assert!(matches!(static_call::unbind(), Err(UpdateError::BoundAtLink { .. })));
    bound.assert_unchanged();
    static_call::init().unwrap();
    let bound = Code::now();
    // What it calls already.
    lib::apply::reset().unwrap();
    hooks::heard::disable().unwrap();
    bound.assert_unchanged();
    check_apply(add_one);
    check_stepped(add_one);
    assert_eq!(hooks::flags(), [false, false, true, true]);
    assert!(lib::apply::query().is_default() && hooks::heard::query().is_default());
    let report = static_call::report();
    let says = report.problems.iter().any(|p| p.message.contains("cannot be updated: "));
    assert!(says, "{report}");
}

/// Checks that the target that a call has already may be asked for.
fn check_nothing_to_do() {
    splits::stepped::reset().unwrap();
    static_call::init().unwrap();
    assert!(splits::stepped::query().is_default());
    check_stepped(add_one);
}

#[test]
fn without_permission_from_the_start() {
    in_bound_image("refused::without_permission_from_the_start", &[], || {
        refuse_code(libc::EACCES);
        check_refused(Reason::Refused(libc::EACCES));
        support::assert_path("stepped", Path::Inline);
    });
}

#[test]
fn capped() {
    in_bound_image("refused::capped", &[("STATIC_CALL", "indirect")], || {
        check_refused(Reason::Capped);
    });
}

/// Without memory for the registry nothing is known about the code.
#[test]
fn without_memory_from_the_start() {
    in_bound_image("refused::without_memory_from_the_start", &[], || {
        limited(libc::RLIMIT_AS, 4096, || static_call::init().unwrap());
        check_refused(Reason::NoMemory(libc::ENOMEM));
        let report = static_call::report();
        let stepped = report.keys.iter().find(|key| key.name == "stepped").unwrap();
        assert!(stepped.bound && support::calls("stepped").is_empty(), "{report}");
    });
}

/// The permission is lost after the registry was built.
#[test]
fn without_permission_later() {
    in_bound_image("refused::without_permission_later", &[], || {
        static_call::init().unwrap();
        let code = Code::now();
        refuse_code(libc::EACCES);
        let error = splits::stepped::update(add_eight).unwrap_err();
        let reason = Reason::NoVeneer(libc::EACCES);
        assert_eq!(error, UpdateError::BoundAtLink { key: "stepped", reason });
        let error = hooks::LOUD.enable().unwrap_err();
        assert!(matches!(error, UpdateError::PermissionDenied { .. }), "{error}");
        assert_eq!(hooks::flags(), [false, false, true, true]);
        code.assert_unchanged();
        check_stepped(add_one);
    });
}

#[test]
fn a_table_that_is_not_trusted() {
    let damage = |image: &mut [u8]| {
        let file = object::File::parse(&*image).unwrap();
        let table = file.section_by_name(TABLE_SECTION).unwrap();
        let at = table.file_range().unwrap().0 as usize;
        // The checksum.
        image[at + TableHeader::SIZE - 1] ^= 1;
    };
    in_changed_image("refused::a_table_that_is_not_trusted", &[], damage, || {
        check_refused(Reason::TableRefused);
    });
}

/// A record that is not as it was linked may be of any bound key, whose code would not follow.
#[test]
fn a_damaged_record() {
    for (what, section, at) in [
        ("trampoline", TRAMPOLINES_SECTION, 0),
        ("stub", TRAMPOLINES_SECTION, 4),
        ("label", LABELS_SECTION, 0),
        ("label-test", LABELS_SECTION, 4),
        ("label-stub", LABELS_SECTION, 8),
    ] {
        let damage = |image: &mut [u8]| {
            let file = object::File::parse(&*image).unwrap();
            let records = file.section_by_name(section).unwrap().file_range().unwrap();
            image[records.0 as usize + at] ^= 0x10;
        };
        let environment = [("RECORD", what)];
        in_changed_image("refused::a_damaged_record", &environment, damage, || {
            let bound = Code::now();
            for result in [
                splits::stepped::update(add_seven),
                lib::apply::update(add_seven),
                hooks::heard::update(|_| ()),
                hooks::LOUD.enable(),
            ] {
                let error = result.unwrap_err();
                let is_right =
                    matches!(error, UpdateError::BoundAtLink { reason: Reason::Changed, .. });
                assert!(is_right, "{what}: {error}");
            }
            bound.assert_unchanged();
            check_stepped(add_one);
            check_apply(add_one);
        });
    }
}

/// An instruction that is not what it should be cannot follow.
#[test]
fn code_that_was_changed() {
    in_bound_image("refused::code_that_was_changed", &[], || {
        let report = static_call_verify::verify(&super::linked(), &Default::default());
        let is_one = |call: &&static_call_verify::report::Call| {
            report.keys[call.key].name == "stepped" && call.listed
        };
        let at = report.calls.iter().find(is_one).unwrap().address as usize;
        let exe = std::env::current_exe().unwrap();
        let start =
            support::mappings().iter().find(|m| m.file == exe.to_string_lossy()).unwrap().start;
        let byte = support::poke(start + at, support::BREAKPOINT);
        let error = splits::stepped::update(add_seven).unwrap_err();
        let reason = Reason::Changed;
        assert_eq!(error, UpdateError::BoundAtLink { key: "stepped", reason });
        support::poke(start + at, byte);
        check_stepped(add_one);
        // Other keys are not affected.
        lib::apply::update(add_seven).unwrap();
        check_apply(add_seven);
    });
}

/// Without a barrier, calls in steps cannot leave their default.
#[test]
fn without_barriers() {
    in_bound_image("refused::without_barriers", &[], || {
        let refuse = refuse_barriers(libc::ENOSYS);
        let error = supervise(refuse, || {
            check_nothing_to_do();
            support::assert_path("stepped", Path::Inline);
            let code = Code::now();
            let error = splits::stepped::update(add_eight).unwrap_err();
            code.assert_unchanged();
            error
        });
        let reason = Reason::NoBarrier(libc::ENOSYS);
        assert_eq!(error, UpdateError::BoundAtLink { key: "stepped", reason });
        check_stepped(add_one);
        assert!(splits::stepped::query().is_default());
    });
}

fn refuse_veneers(call: Call) -> Verdict {
    match call {
        Call::Veneers(_) => Verdict::Fail(libc::EACCES),
        _ => Verdict::Continue,
    }
}

/// Without room for veneers, either.
#[test]
fn without_veneers() {
    in_bound_image("refused::without_veneers", &[], || {
        let code = Code::now();
        let error = supervise(refuse_veneers, || splits::stepped::update(add_eight).unwrap_err());
        let reason = Reason::NoVeneer(libc::EACCES);
        assert_eq!(error, UpdateError::BoundAtLink { key: "stepped", reason });
        code.assert_unchanged();
        check_stepped(add_one);
        // Later it works.
        splits::stepped::update(add_eight).unwrap();
        check_stepped(add_eight);
    });
}

/// A cap would take calls to their trampolines; those that cannot get there stay at their defaults.
#[test]
fn capped_without_veneers() {
    for cap in ["trampoline", "no-steps"] {
        let environment = [("STATIC_CALL", cap)];
        in_bound_image("refused::capped_without_veneers", &environment, || {
            let error = supervise(refuse_veneers, || {
                check_nothing_to_do();
                splits::stepped::update(add_eight).unwrap_err()
            });
            let reason = Reason::NoVeneer(libc::EACCES);
            assert_eq!(error, UpdateError::BoundAtLink { key: "stepped", reason });
            check_stepped(add_one);
            // Later it works.
            splits::stepped::update(add_eight).unwrap();
            check_stepped(add_eight);
            assert!(
                support::calls("stepped")
                    .iter()
                    .all(|call| !call.steps || call.path == Path::Trampoline)
            );
        });
    }
}

/// A cap takes calls to their trampolines.
#[test]
fn capped_at_trampolines() {
    for cap in ["trampoline", "no-steps", "retarget"] {
        let environment = [("STATIC_CALL", cap)];
        in_bound_image("refused::capped_at_trampolines", &environment, || {
            splits::stepped::update(add_eight).unwrap();
            check_stepped(add_eight);
            let calls = support::calls("stepped");
            let is_right = |call: &static_call::CallReport| match cap {
                "trampoline" => call.path == Path::Trampoline,
                "no-steps" => (call.path == Path::Inline) != call.steps,
                _ => call.path == Path::Inline,
            };
            assert!(calls.iter().all(is_right), "{cap}: {calls:#?}");
            static_call::unbind().unwrap();
            check_stepped(add_eight);
        });
    }
}
