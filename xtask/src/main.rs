//! The table of tasks: `cargo xtask list` prints it, `cargo xtask <task>` runs a task.

mod aarch64;
mod bench;
mod benchmarks;
mod build_dependency;
mod ci;
mod ecosystem;
mod fmt;
mod footprint;
mod fresh;
mod generate;
mod machine;
mod matrix;
mod mutants;
mod package;
mod run;
mod sanitizers;
mod spread;
mod sweep;
mod tasks;
mod torture;

use std::process::ExitCode;

/// A task's function, which takes the other arguments.
type Run = fn(&[String]) -> run::Result;

/// Name, one line of help, function.
const TASKS: &[(&str, &str, Run)] = &[
    ("fmt", "Check the formatting of every file", fmt::fmt),
    ("clippy", "Run clippy on all targets, with warnings denied", tasks::clippy),
    ("ci", "Run what continuous integration runs", ci::ci),
    ("test", "Run cargo test --workspace", tasks::test),
    (
        "fresh",
        "Run README's commands with only Rust, gcc and binutils, then the skipped tests",
        fresh::fresh,
    ),
    ("test-links", "Test the link hook with more linkers, drivers and LTO", tasks::test_links),
    ("test-rest", "Test cargo static-call, and two versions in one link", tasks::test_rest),
    ("doc", "Build the documentation, with warnings denied", tasks::doc),
    ("tidy", "Check file lengths, module boundaries and lint exceptions", tasks::tidy),
    ("quickstart", "Run the quickstart and check its last line", tasks::quickstart),
    ("examples", "Run the other examples, which check their results", tasks::examples),
    ("package", "Check the packages, and build a user's crate from them", package::package),
    ("matrix", "Build a generated program in every way; check with three oracles", matrix::full),
    ("matrix-pairs", "Run the matrix cells that cover all pairs of options", matrix::pairs),
    ("matrix-ci", "Run the matrix cells that fit continuous integration", matrix::quick),
    ("ecosystem", "Test and measure published crates with static calls", ecosystem::ecosystem),
    ("soak", "Run the generated program for ten minutes (--seconds N)", matrix::soak),
    ("mutants", "Break each rule of SAFETY.md once; tests must notice", mutants::mutants),
    (
        "sanitizers",
        "Run the runtime's unit tests under sanitizers (needs Debian)",
        sanitizers::sanitizers,
    ),
    ("torture", "Call and update for 5 minutes, twice (--seconds N, --seed S)", torture::torture),
    ("sweep", "Read every ELF file on this machine; find no static calls", sweep::sweep),
    ("bench", "Run cargo bench: calls, hooks and updates beside alternatives", benchmarks::bench),
    ("bench-verify", "Compare the verifier with sha256sum, objdump and ld", bench::verify),
    ("footprint", "Measure bytes, build time and code of keys (--keys N)", footprint::footprint),
    (
        "build-dependency",
        "Count the crates of the build dependency, and measure its build",
        build_dependency::build_dependency,
    ),
    ("aarch64", "Run the runtime's tests on aarch64 under qemu (needs Debian)", aarch64::test),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "list".to_owned());
    let args: Vec<String> = args.collect();
    if name == "list" {
        for (name, help, _) in TASKS {
            println!("{name:16} {help}");
        }
        return ExitCode::SUCCESS;
    }
    let Some((_, _, task)) = TASKS.iter().find(|t| t.0 == name) else {
        eprintln!("there is no task `{name}`; `cargo xtask list` lists all tasks");
        return ExitCode::FAILURE;
    };
    match task(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("cargo xtask {name}: {e}");
            ExitCode::FAILURE
        }
    }
}
