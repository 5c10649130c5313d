//! qemu's user emulation, which translates code and must notice that it has changed.

use std::process::Command;

/// The emulator, under the names that packages give it.
const NAMES: [&str; 2] = ["qemu-x86_64-static", "qemu-x86_64"];

/// Returns the emulator's name, if it is installed.
fn emulator() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    let found = NAMES.into_iter().find(is_there);
    if found.is_none() {
        support::skipped(NAMES[0]);
    }
    found
}

/// The helper checks its own results. It prints how many calls take each path.
#[test]
fn calls_are_right_under_emulation() {
    let Some(emulator) = emulator() else { return };
    for cap in ["inline", "no-steps", "retarget", "trampoline", "indirect"] {
        for helper in [env!("CARGO_BIN_EXE_switching"), env!("CARGO_BIN_EXE_rules_helper")] {
            let mut command = Command::new(emulator);
            command.arg(helper).env("STATIC_CALL", cap);
            let output = support::finish(command);
            let text =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success(), "{cap} {helper}: {}\n{text}", output.status);
            assert!(text.contains("static-call: "), "{text}");
            println!("{cap}: {}", text.lines().rfind(|l| l.starts_with("static-call: ")).unwrap());
        }
    }
}
