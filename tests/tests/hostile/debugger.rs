//! A real gdb that sets breakpoints in code that the program updates.

use support::gdb;

const HELPER: &str = env!("CARGO_BIN_EXE_debugged");
const STOPS: [&str; 2] = ["break *(char *)&debugged_set", "break *(char *)&debugged_remove"];
/// Sets no breakpoint that stops: the program is to run over it.
const PASS: &str = "ignore $bpnum 1000000";

#[track_caller]
fn assert_right(text: &str) {
    let is_right = text.contains("every result was right") && text.contains("exited normally");
    assert!(is_right, "{text}");
}

/// An update of code with a breakpoint is refused, and works once the breakpoint is removed. One
/// beside a breakpoint works.
#[test]
fn breakpoints_come_and_go() {
    if !support::have(&["gdb"]) {
        return;
    }
    // On a call, on its trampoline, on a label, and at the start of a function.
    let each = ["break *$rdi", PASS, "continue", "delete $bpnum", "continue"];
    let commands = STOPS.into_iter().chain(["run late"]).chain([each; 4].into_iter().flatten());
    assert_right(&gdb::run(HELPER, commands));
}

/// Code that has a breakpoint when the program looks at it first is left alone, and the report
/// names the place.
#[test]
fn breakpoints_may_be_there_before() {
    if !support::have(&["gdb"]) {
        return;
    }
    let text = gdb::run(HELPER, ["run places"]);
    let line = text.lines().find_map(|line| line.strip_prefix("places "));
    let places: Vec<&str> = line.expect("a line").split(' ').collect();
    assert_eq!(places.len(), 3);
    for place in places {
        let set = format!("break *{place}");
        let commands =
            ["run early", &set, PASS, "continue", "delete $bpnum", "continue"].into_iter();
        let text = gdb::run(HELPER, STOPS.into_iter().chain(commands));
        assert_right(&text);
        assert!(text.lines().any(|line| line == place), "{place}: {text}");
    }
}
