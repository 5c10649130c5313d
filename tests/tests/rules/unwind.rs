//! Unwinding from a target on every path: panics, backtraces, debuggers.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use static_call::{Path, call, static_call};

const PATHS: [(&str, Path); 3] =
    [("inline", Path::Inline), ("trampoline", Path::Trampoline), ("indirect", Path::Indirect)];

/// Records its name when it is dropped.
struct Noted<'a>(&'static str, &'a RefCell<Vec<&'static str>>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[static_call]
fn work(argument: Noted<'_>, wide: [Option<&Noted<'_>>; 4]) -> u64 {
    drop(argument);
    wide.len() as u64
}

fn target_that_panics(argument: Noted<'_>, _: [Option<&Noted<'_>>; 4]) -> u64 {
    let _local = Noted("target", argument.1);
    resume_unwind(Box::new(7_u32))
}

#[inline(never)]
fn caller_for_unwinding(notes: &RefCell<Vec<&'static str>>) -> u64 {
    let _local = Noted("caller", notes);
    call!(work(Noted("argument", notes), [None; 4])) + 1
}

#[test]
fn a_panic_runs_every_destructor() {
    for (cap, path) in PATHS {
        support::in_child("unwind::a_panic_runs_every_destructor", &[("STATIC_CALL", cap)], || {
            work::update(target_that_panics).unwrap();
            support::assert_path("work", path);
            for _ in 0..3 {
                let notes = RefCell::new(Vec::new());
                let outer = Noted("outer", &notes);
                let panic = catch_unwind(AssertUnwindSafe(|| {
                    let _inner = Noted("closure", &notes);
                    caller_for_unwinding(&notes)
                }));
                assert_eq!(panic.unwrap_err().downcast_ref(), Some(&7_u32));
                assert_eq!(*notes.borrow(), ["target", "argument", "caller", "closure"]);
                drop(outer);
            }
        });
    }
}

#[static_call]
fn trace() -> String {
    String::new()
}

#[inline(never)]
fn target_that_looks_back() -> String {
    Backtrace::force_capture().to_string()
}

#[inline(never)]
fn caller_for_backtraces() -> String {
    let mut text = call!(trace());
    text.push('\n');
    text
}

#[test]
fn a_backtrace_shows_the_caller() {
    for (cap, path, alias) in [
        ("inline", Path::Inline, "0"),
        ("trampoline", Path::Trampoline, "0"),
        ("indirect", Path::Indirect, "0"),
        ("inline", Path::Inline, "1"),
        ("trampoline", Path::Trampoline, "1"),
    ] {
        let environment = [("STATIC_CALL", cap), ("ALIAS", alias)];
        support::in_child("unwind::a_backtrace_shows_the_caller", &environment, || {
            if alias == "1" {
                static_call::init_aliased().unwrap();
            }
            trace::update(target_that_looks_back).unwrap();
            support::assert_path("trace", path);
            let text = caller_for_backtraces();
            let find = |name: &str| text.find(name).unwrap_or_else(|| panic!("{name}:\n{text}"));
            let order = [
                find("target_that_looks_back"),
                find("caller_for_backtraces"),
                find("a_backtrace_shows_the_caller"),
            ];
            assert!(order.is_sorted(), "{text}");
        });
    }
}

/// Runs the helper under gdb and returns its backtraces: in the trampoline, in the stub, and in the
/// target.
fn gdb(cap: &str, is_aliased: bool) -> String {
    let cap = format!("set environment STATIC_CALL {cap}");
    let start = match is_aliased {
        false => ["break *(char *)&rules_helper_marker", "run debugger", "echo"],
        true => ["run debugger aliased", "break *(char *)&rules_helper_marker", "continue"],
    };
    let commands = [
        &*cap,
        start[0],
        start[1],
        start[2],
        // The marker's arguments are the trampoline and the stub.
        "tbreak *$rdi",
        "tbreak *$rsi",
        "tbreak rules_helper_target",
        "continue",
        "echo \\n===\\n",
        "backtrace",
        "continue",
        "echo \\n===\\n",
        "backtrace",
        "continue",
        "echo \\n===\\n",
        "backtrace",
        "kill",
    ];
    support::gdb::run(env!("CARGO_BIN_EXE_rules_helper"), commands)
}

#[test]
fn a_debugger_unwinds_from_everywhere() {
    if !support::have(&["gdb"]) {
        return;
    }
    let paths = [("inline", 1), ("trampoline", 2), ("indirect", 3)];
    let ways = paths.into_iter().map(|path| (path, false));
    for ((cap, stops), is_aliased) in ways.chain([(paths[0], true), (paths[1], true)]) {
        let text = gdb(cap, is_aliased);
        let traces: Vec<&str> = text.split("\n===\n").skip(1).take(stops).collect();
        assert_eq!(traces.len(), stops, "{text}");
        for (i, trace) in traces.iter().enumerate() {
            let find =
                |name: &str| trace.find(name).unwrap_or_else(|| panic!("{cap} {i} {name}: {text}"));
            let innermost = trace.find("#0").expect("a frame");
            let target = trace.find("rules_helper_target");
            assert_eq!(target.is_some(), i + 1 == stops, "{cap} {i}: {text}");
            let order = [innermost, find("rules_helper_caller"), find("rules_helper::main")];
            assert!(order.is_sorted(), "{text}");
            assert!(!trace.contains("??"), "{cap} {i}: {text}");
        }
    }
}
