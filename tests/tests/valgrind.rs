//! Under valgrind, which executes translations of code that it has read, calls go inline and every
//! result is right, as on a processor.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::process::Command;

/// Runs the helper, which checks its own results. Returns the last line of its report.
fn totals(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(args).env_remove("STATIC_CALL").env_remove("VALGRIND_OPTS");
    let output = support::finish(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn calls_are_inline_and_right() {
    if !support::have(&["valgrind"]) {
        return;
    }
    let helper = env!("CARGO_BIN_EXE_switching");
    let native = totals(helper, &[]);
    assert!(native.contains("inline") && !native.contains(" 0 inline"), "{native}");
    for tool in ["--tool=memcheck", "--tool=none", "--tool=callgrind"] {
        let out = "--callgrind-out-file=/dev/null";
        let more = (tool == "--tool=callgrind").then_some(out);
        let args = ["--error-exitcode=9", tool].into_iter().chain(more).chain([helper]);
        assert_eq!(totals("valgrind", &args.collect::<Vec<_>>()), native, "{tool}");
    }
}
