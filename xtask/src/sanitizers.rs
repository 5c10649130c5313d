//! Runs the runtime's unit tests under sanitizers, with the standard library built with them, too:
//! otherwise ThreadSanitizer reports races where it does not see how the library synchronises.

use crate::aarch64;
use crate::run::{Result, cargo, run, scratch};

/// Each, and tests that it leaves no room for: ThreadSanitizer's own memory is where an image's
/// veneers would be.
const SANITIZERS: [(&str, &[&str]); 2] = [
    ("address", &[]),
    ("thread", &["--skip", "patching::veneer", "--skip", "what_a_dead_holder_left"]),
];
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Takes no arguments.
pub(crate) fn sanitizers(_: &[String]) -> Result {
    let library = aarch64::library()?;
    for (sanitizer, skipped) in SANITIZERS {
        println!("{sanitizer}:");
        let mut command = cargo(["test", "--quiet", "-Zbuild-std=std,panic_unwind"]);
        command.args(["--package", "static-call", "--lib", "--target", TARGET]);
        command.arg("--").args(skipped);
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", &library)
            .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"))
            // Tests make keys and registries that live as long as the process, as real ones do.
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .env("CARGO_TARGET_DIR", scratch("sanitizers").join(sanitizer));
        run(&mut command)?;
    }
    Ok(())
}
