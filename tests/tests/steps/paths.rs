//! The paths of such calls, and what they reach while others switch.

use std::collections::BTreeSet;

use static_call::{Kind, Path, Reason};
use static_call_tests::splits;
use support::Code;
use support::callers::{are_legal, call_while};

use super::{X, add_eight, add_seven, check, split, split_calls};

/// The tests' calls are what their names say.
#[test]
fn every_split_occurs() {
    let calls = split_calls();
    let splits: BTreeSet<_> =
        calls.iter().filter(|c| c.kind == Some(Kind::Call)).filter_map(split).collect();
    let all = [8, 16, 32, 64, 4096].into_iter().flat_map(|size| [1, 2, 3].map(|n| (n, size)));
    let missing: Vec<_> = all.filter(|split| !splits.contains(split)).collect();
    assert_eq!(missing, []);
    for kind in [Kind::Jmp, Kind::Jcc] {
        let of_kind = calls.iter().filter(|call| call.kind == Some(kind));
        let splits: BTreeSet<_> = of_kind.filter_map(split).map(|(n, _)| n).collect();
        assert_eq!(splits, [1, 2, 3].into(), "{kind:?}: {calls:#?}");
    }
}

/// Every call leads to the target itself, an update takes at most three barriers, and `unbind`
/// restores what the linker wrote.
#[test]
fn every_call_is_inline() {
    support::in_child("paths::every_call_is_inline", &[], || {
        let linked = Code::now();
        for round in 0..3 {
            for (target, name) in
                [(add_seven as fn(u64) -> u64, 0), (add_eight, 1), (splits::near, 2)]
            {
                let update = match name {
                    0 => splits::stepped::update(add_seven),
                    1 => splits::stepped::update(add_eight),
                    _ => splits::stepped::update(splits::near),
                };
                let update = update.unwrap();
                check(target);
                support::assert_path("stepped", Path::Inline);
                let report = static_call::report().to_string();
                assert!(update.barriers <= 3 && update.unfinished == 0, "{update:?}");
                assert!(round > 0 || name > 0 || update.barriers == 3, "{update:?}");
                assert_eq!(update.indirect + update.trampoline, 0, "{report}");
                let destinations: BTreeSet<_> =
                    support::calls("stepped").iter().map(support::destination).collect();
                assert_eq!(destinations.len(), 1, "all lead to one target");
                assert_eq!(support::open_pages(), [""; 0]);
            }
        }
        let update = static_call::unbind().unwrap();
        assert!(update.barriers <= 3, "{update:?}");
        linked.assert_unchanged();
        check(splits::near);
    });
}

/// Going back and forth between known targets makes no new veneers.
#[test]
fn known_targets_need_no_new_memory() {
    support::in_child("paths::known_targets_need_no_new_memory", &[], || {
        let mut pages = Vec::new();
        for _ in 0..200 {
            splits::stepped::update(add_seven).unwrap();
            splits::stepped::update(add_eight).unwrap();
            splits::stepped::update(splits::near).unwrap();
            splits::stepped::reset().unwrap();
            static_call::unbind().unwrap();
            pages.push((static_call::report().veneer_pages, support::mappings().len()));
        }
        let (first, last) = (pages[0], pages[199]);
        assert!(first.0 > 0, "{pages:?}");
        // Another test's thread may map memory, but not hundreds of times.
        assert_eq!(first.0, last.0);
        assert!(last.1 <= first.1 + 8, "{first:?} {last:?}");
    });
}

/// Several threads call through every split while another switches among targets and unbinds.
#[test]
fn every_result_during_steps_is_legal() {
    support::in_child("paths::every_result_during_steps_is_legal", &[], || {
        let legal = [|x| x + 1, add_seven, add_eight, splits::near];
        let legal = legal.map(|target: fn(u64) -> u64| splits::expected(target, X));
        let mut state = 1_u64;
        call_while(are_legal(|| splits::all(X), legal.into()), |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let result = match state >> 60 {
                0..4 => splits::stepped::update(add_seven),
                4..8 => splits::stepped::update(add_eight),
                8..12 => splits::stepped::update(splits::near),
                12..14 => splits::stepped::reset(),
                14 => static_call::unbind(),
                _ => static_call::init(),
            };
            let update = result.unwrap();
            assert!(update.barriers <= 3, "{update:?}");
            assert_eq!((update.lost, update.unfinished), (0, 0));
        });
    });
}

#[test]
fn steps_can_be_forbidden() {
    support::in_child("paths::steps_can_be_forbidden", &[("STATIC_CALL", "no-steps")], || {
        let update = splits::stepped::update(add_seven).unwrap();
        check(add_seven);
        assert_eq!(update.barriers, 1);
        for call in split_calls() {
            assert_eq!((call.path, call.reason), (Path::Trampoline, Some(Reason::Capped)));
        }
        assert_eq!(static_call::report().veneer_pages, 0);
    });
}
