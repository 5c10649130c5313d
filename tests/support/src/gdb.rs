//! gdb, run with a list of commands.

use std::process::Command;

/// Runs commands in gdb on a program, and returns everything that it prints. Addresses are the same
/// in each run.
pub fn run<'a>(program: &str, commands: impl IntoIterator<Item = &'a str>) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch"]);
    let settings = [
        "set confirm off",
        "set debuginfod enabled off",
        "set startup-with-shell off",
        "set disable-randomization on",
        // C expressions can name symbols.
        "set language c",
    ];
    for line in settings.into_iter().chain(commands) {
        gdb.args(["-ex", line]);
    }
    gdb.arg(program);
    let output = crate::finish(gdb);
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}
