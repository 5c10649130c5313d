//! The task table: `cargo xtask list` prints it, `cargo xtask <task>` runs one of them.

mod aarch64;
mod bench;
mod ci;
mod ecosystem;
mod fmt;
mod footprint;
mod fresh;
mod generate;
mod machine;
mod matrix;
mod package;
mod run;
mod spread;
mod sweep;
mod tasks;

use std::process::ExitCode;

/// What a task is handed and gives back.
type Run = fn(&[String]) -> run::Result;

/// Name, one line of help, function.
const TASKS: &[(&str, &str, Run)] = &[
    ("fmt", "the formatting is rustfmt's, in every file", fmt::fmt),
    ("clippy", "clippy over all targets, warnings denied", tasks::clippy),
    ("ci", "everything that continuous integration runs", ci::ci),
    ("test", "cargo test --workspace", tasks::test),
    (
        "fresh",
        "README's commands with Rust, gcc and binutils alone, then what they skip",
        fresh::fresh,
    ),
    ("test-links", "more ways to link with the hook: linkers, drivers, LTO", tasks::test_links),
    ("test-rest", "two versions in one link, and what the command has", tasks::test_rest),
    ("doc", "the documentation builds, warnings denied", tasks::doc),
    ("tidy", "file lengths, module boundaries, reasons for exceptions", tasks::tidy),
    ("quickstart", "the quickstart runs, and its last line is right", tasks::quickstart),
    ("examples", "each example runs, and its results are right", tasks::examples),
    ("package", "the packages to publish, and a user's crate built from them", package::package),
    ("matrix", "a generated program in every way of building, against three oracles", matrix::full),
    ("matrix-pairs", "the cells of the matrix that cover all pairs of options", matrix::pairs),
    ("matrix-ci", "the cells of the matrix that fit continuous integration", matrix::quick),
    (
        "ecosystem",
        "published crates with static calls: tests, oracles, costs",
        ecosystem::ecosystem,
    ),
    ("soak", "the generated program for ten minutes (--seconds N)", matrix::soak),
    ("sweep", "every ELF file of this machine is read and has no static calls", sweep::sweep),
    ("bench-verify", "the verifier against sha256sum, objdump and the linker", bench::verify),
    ("footprint", "bytes, build time and first update of a key", footprint::footprint),
    ("aarch64", "the runtime tests on aarch64 under qemu (needs Debian)", aarch64::test),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "list".to_owned());
    let args: Vec<String> = args.collect();
    if name == "list" {
        for (name, help, _) in TASKS {
            println!("{name:12} {help}");
        }
        return ExitCode::SUCCESS;
    }
    let Some((_, _, task)) = TASKS.iter().find(|t| t.0 == name) else {
        eprintln!("no task is called `{name}`; `cargo xtask list` names them all");
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
