//! Room for veneers near the image.

use static_call::{Path, Reason};
use static_call_tests::splits;
use support::supervisor::{Call, Verdict, supervise};

use super::{add_eight, add_seven, check, split_calls};

/// Maps whatever is free in the two gibibytes before the image.
fn occupy() {
    let start = support::mappings()
        .iter()
        .filter(|m| m.file == std::env::current_exe().unwrap().to_string_lossy())
        .map(|m| m.start)
        .min()
        .unwrap();
    let reach = 1 << 31;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let flags = flags | libc::MAP_FIXED_NOREPLACE;
    for address in (start - reach..start).step_by(1 << 21) {
        // SAFETY: it replaces no mapping.
        unsafe { libc::mmap(address as *mut _, 1 << 21, libc::PROT_NONE, flags, -1, 0) };
    }
}

/// Without room near the image, such calls keep to their trampolines, and the report says why.
#[test]
fn without_room_calls_keep_to_their_trampolines() {
    support::in_child("room::without_room_calls_keep_to_their_trampolines", &[], || {
        occupy();
        for (target, is_first) in [(add_seven as fn(u64) -> u64, true), (add_eight, false)] {
            let update = match is_first {
                true => splits::stepped::update(add_seven).unwrap(),
                false => splits::stepped::update(add_eight).unwrap(),
            };
            check(target);
            assert!(update.barriers <= 3, "{update:?}");
            let calls = split_calls();
            let left: Vec<_> = calls.iter().filter(|c| c.path != Path::Inline).collect();
            assert!(!left.is_empty());
            for call in left {
                assert_eq!(call.reason, Some(Reason::NoVeneer(libc::EEXIST)));
                assert_eq!(call.path, Path::Trampoline);
            }
        }
    });
}

/// If the system refuses memory once targets are bound, calls of a new target go back to their
/// trampolines.
#[test]
fn without_memory_calls_go_back() {
    support::in_child("room::without_memory_calls_go_back", &[], || {
        splits::stepped::update(add_seven).unwrap();
        support::assert_path("stepped", Path::Inline);
        occupy();
        // Known targets still work.
        splits::stepped::reset().unwrap();
        splits::stepped::update(add_seven).unwrap();
        support::assert_path("stepped", Path::Inline);
        let update = splits::stepped::update(splits::near).unwrap();
        assert!(update.barriers <= 3, "{update:?}");
        check(splits::near);
        static_call::unbind().unwrap();
        check(splits::near);
    });
}

/// If the system refuses to make veneers executable, or to open their pages again, calls keep to
/// their trampolines; later it works.
#[test]
fn refused_pages_are_tried_again() {
    support::in_child("room::refused_pages_are_tried_again", &[], || {
        for refused in [0, libc::PROT_WRITE as u64] {
            let refuse = |call| match call {
                Call::Veneers(rights) if rights & libc::PROT_WRITE as u64 == refused => {
                    Verdict::Fail(libc::EACCES)
                }
                _ => Verdict::Continue,
            };
            // In the second round the veneers of this target are new, in pages that exist.
            let update = supervise(refuse, || match refused {
                0 => splits::stepped::update(add_seven).unwrap(),
                _ => splits::stepped::update(splits::near).unwrap(),
            });
            check(if refused == 0 { add_seven } else { splits::near });
            assert!(update.barriers <= 3, "{update:?}");
            if refused == 0 {
                assert!(update.trampoline > 0, "{update:?}");
                let reason = Some(Reason::NoVeneer(libc::EACCES));
                let calls = split_calls();
                assert!(calls.iter().any(|call| call.reason == reason), "{calls:#?}");
            }
            splits::stepped::update(add_eight).unwrap();
            check(add_eight);
            support::assert_path("stepped", Path::Inline);
            assert_eq!(support::open_pages(), [""; 0]);
        }
    });
}
