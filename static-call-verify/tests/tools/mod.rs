//! Programs that some tests need and that may not be installed: linkers, another compiler driver, a
//! debugger. A test that misses one says so and passes. With `STATIC_CALL_TESTS_SKIP=forbid`, as in
//! continuous integration, it fails.

use std::io::Write;

/// Returns whether all of these programs are in `PATH`. If not, the test is [`skipped`].
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |program: &&&str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    let missing = programs.iter().find(|program| !is_there(program));
    missing.inspect(|program| skipped(program)).is_none()
}

/// Prints that a test, or a part of it, is skipped because `program` is not installed. `cargo xtask
/// fresh` reads this line.
///
/// # Panics
///
/// Panics if skipping is forbidden.
pub(crate) fn skipped(program: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {}: {program} is not installed", thread.name().unwrap_or("main"));
    assert!(std::env::var_os("STATIC_CALL_TESTS_SKIP").is_none_or(|v| v != "forbid"), "{line}");
    // Not with a macro: the harness captures what passing tests print.
    let _ = writeln!(std::io::stderr(), "{line}");
}
