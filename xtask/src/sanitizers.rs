//! Runs the runtime's unit tests under sanitizers, which only nightly Rust has.

use std::path::Path;
use std::process::Command;

use crate::run::{Result, output, run, scratch};

/// Each sanitizer, and whether the standard library must be built with it: ThreadSanitizer reports
/// races where it does not see how the library synchronises.
const SANITIZERS: [(&str, bool); 2] = [("address", false), ("thread", true)];
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Takes no arguments.
pub(crate) fn sanitizers(_: &[String]) -> Result {
    for (sanitizer, builds_std) in SANITIZERS {
        println!("{sanitizer}:");
        if builds_std && !has_sources()? {
            println!("skipped: rustup component add --toolchain nightly rust-src");
            continue;
        }
        // Through rustup: the environment names the toolchain that built this program.
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo", "test", "--quiet"]);
        command.args(["--package", "static-call", "--lib", "--target", TARGET]);
        command.args(if builds_std { &["-Zbuild-std"][..] } else { &[] });
        command.env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"));
        for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(variable);
        }
        // Tests make keys and registries that live as long as the process, as real ones do.
        command.env("ASAN_OPTIONS", "detect_leaks=0");
        command.env("CARGO_TARGET_DIR", scratch("sanitizers").join(sanitizer));
        run(&mut command)?;
    }
    Ok(())
}

/// Returns whether nightly has the source of the standard library.
fn has_sources() -> Result<bool> {
    let sysroot = output(
        Command::new("rustup").args(["run", "nightly", "rustc"]).args(["--print", "sysroot"]),
    )?;
    let library = "lib/rustlib/src/rust/library/Cargo.lock";
    Ok(Path::new(sysroot.trim()).join(library).exists())
}
