//! Updates by an alias: code is never writable where it is executed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use static_call::{Barrier, Path, UpdateError};
use static_call_tests as lib;
use support::supervisor::{Call, Memory, Verdict, forbid_write_then_execute, supervise_memory};
use support::{BREAKPOINT, Code};

use super::{X, add_eight, add_seven, check};

/// Where code cannot be made writable, `init` leaves calls on their slots, and an alias makes them
/// inline.
#[test]
fn an_alias_works_without_write_and_execute() {
    for first in ["init", "update", "alias"] {
        let name = "aliased::an_alias_works_without_write_and_execute";
        support::in_child(name, &[("FIRST", first)], || {
            forbid_write_then_execute();
            let linked = Code::now();
            match first {
                "init" => assert_eq!(static_call::init().unwrap().inline, 0),
                "update" => assert_eq!(lib::apply::update(add_eight).unwrap().inline, 0),
                _ => {}
            }
            linked.assert_unchanged();
            let all = static_call::init_aliased().unwrap();
            assert!(all.inline > 0 && all.indirect == 0, "{all:?}");
            assert_eq!(all.barrier, Barrier::Ran);
            check(if first == "update" { add_eight } else { |x| x + 1 });
            let update = lib::apply::update(add_seven).unwrap();
            assert!(update.inline >= 4 && update.indirect == 0, "{update:?}");
            check(add_seven);
            let report = static_call::report();
            assert!(report.aliased && report.problems.is_empty(), "{report}");
            assert!(report.to_string().contains("through an alias"), "{report}");
            update.previous.restore().unwrap();
            check(if first == "update" { add_eight } else { |x| x + 1 });
            static_call::unbind().unwrap();
            linked.assert_unchanged();
            check(if first == "update" { add_eight } else { |x| x + 1 });
            assert!(static_call::init().unwrap().inline > 0, "an alias once, an alias always");
        });
    }
}
