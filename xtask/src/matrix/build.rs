//! Builds and runs the generated program in one cell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::cell::Cell;
use crate::run::{Result, cargo, output};
use crate::tasks::Counts;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The images of a cell: the same code, linked with different options.
pub(super) struct Built {
    /// With the relocations that the linker kept, and symbols.
    pub(super) with_relocations: PathBuf,
    /// The same with symbols bound as in the object files.
    pub(super) with_bindings: PathBuf,
    /// For a stripped program, the same image not stripped.
    pub(super) with_symbols: Option<PathBuf>,
    /// The program that runs.
    pub(super) program: PathBuf,
    pub(super) took: Duration,
}

/// Builds the workspace in `dir`. Deletes what other cells built, except build scripts and macros,
/// to which a cell's flags do not apply.
pub(super) fn build(dir: &Path, cell: &Cell) -> Result<Built> {
    let start = Instant::now();
    let target = dir.join("target");
    let products = target.join(TARGET);
    if products.exists() {
        fs::remove_dir_all(&products)?;
    }
    let image = products.join("release/matrix-app");
    let build = |name: &str, linker: &str, last: &str| -> Result<PathBuf> {
        let mut command = cargo(["rustc", "--offline", "--quiet", "--release"]);
        command.args(["--target", TARGET, "--package", "matrix-app", "--", last]);
        command.args((!linker.is_empty()).then(|| format!("-Clink-arg=-fuse-ld={linker}")));
        command.current_dir(dir).envs(cell.profile());
        command.env("CARGO_ENCODED_RUSTFLAGS", cell.flags()?.join("\u{1f}"));
        command.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0");
        output(&mut command)?;
        // The next build overwrites it.
        let copy = products.join(name);
        fs::copy(&image, &copy)?;
        Ok(copy)
    };
    // Only the last package gets these flags, so that the other builds do little more than link.
    let linker = if cell.is_linked_by_mold() { "mold" } else { "" };
    let keep = "-Clink-arg=-Wl,--emit-relocs";
    let with_bindings =
        cell.is_linked_by_mold().then(|| build("with-bindings", "bfd", keep)).transpose()?;
    // lld orders sections differently when it keeps relocations, so that addresses differ.
    // (rustc always asks the linker for a stack that is not executable.)
    let not_stripped = || build("with-symbols", linker, "-Clink-arg=-Wl,-z,noexecstack");
    let with_symbols = cell.is_stripped().then(not_stripped).transpose()?;
    let with_relocations = build("with-relocations", linker, keep)?;
    let stripped =
        cell.is_stripped().then(|| build("stripped", linker, "-Cstrip=symbols")).transpose()?;
    Ok(Built {
        with_bindings: with_bindings.unwrap_or_else(|| with_relocations.clone()),
        with_symbols,
        program: stripped.unwrap_or_else(|| with_relocations.clone()),
        with_relocations,
        took: start.elapsed(),
    })
}

/// Runs the program for this many seconds. Returns its summary and the counts of its report.
pub(super) fn run(program: &Path, seconds: f64) -> Result<(String, Counts)> {
    let printed = output(Command::new(program).arg(seconds.to_string()))?;
    let mut lines = printed.trim_end().lines().rev();
    let last = lines.next().unwrap_or_default();
    let counts = Counts::of(last).ok_or_else(|| format!("not a report's last line: {last:?}"))?;
    let account = lines.next().unwrap_or_default();
    let account = account.strip_prefix("matrix: ").ok_or("the program printed no summary")?;
    Ok((account.to_owned(), counts))
}
