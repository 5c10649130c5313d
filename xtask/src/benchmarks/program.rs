//! Builds the measured programs, and runs them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::fresh_files::{FreshFiles, Pages};
use crate::matrix::workspace_flags;
use crate::run::{Result, cargo, root, scratch, shown};

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Build {
    /// `cargo build --release`, as a user's crate.
    Plain,
    /// With the flags that align calls.
    Flags,
    /// Without flags; calls lead to their defaults when the program is linked.
    Bound,
    /// Without flags; no-ops of several forms stand for labels.
    Forms,
}

/// Builds a program. Returns the path of its file. In its directory are only the shared objects
/// that the build script made.
pub(super) fn build(name: &str, build: Build) -> Result<PathBuf> {
    let target = scratch("benchmarks").join(match build {
        Build::Flags => "flags",
        Build::Plain | Build::Bound | Build::Forms => "plain",
    });
    let flags = if build == Build::Flags { workspace_flags()? } else { Vec::new() };
    let mut command = cargo(["build", "--release", "--locked", "--quiet", "--package", name]);
    command.arg("--message-format=json-render-diagnostics");
    command.args(match (name, build) {
        (_, Build::Bound) => Some("--features=bind"),
        (_, Build::Forms) => Some("--features=forms"),
        // The other ways take the compiler minutes, and only the ordinary build measures them.
        ("calls" | "wide", Build::Flags) => Some("--features=few"),
        _ => None,
    });
    command.current_dir(root().join("benchmarks"));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    command.env("CARGO_TARGET_DIR", &target);
    eprintln!("building `{name}` ({build:?})");
    let built = command.output()?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        return Err(format!("`{}` failed: {}\n{said}", shown(&command), built.status).into());
    }
    // The next build may overwrite them.
    let dir = scratch("benchmarks/built").join(format!("{name}-{build:?}").to_lowercase());
    fs::remove_dir_all(&dir).unwrap_or_default();
    fs::create_dir_all(&dir)?;
    for file in shared_objects(&String::from_utf8_lossy(&built.stdout))? {
        fs::copy(&file, dir.join(file.file_name().unwrap_or_default()))?;
    }
    let copy = dir.join(name);
    fs::copy(target.join("release").join(name), &copy)?;
    Ok(copy)
}

/// Returns the shared objects in the directories of the build scripts that cargo's messages name.
fn shared_objects(messages: &str) -> Result<Vec<PathBuf>> {
    /// What only a message about a build script that was run has.
    #[derive(Deserialize)]
    struct Message {
        out_dir: Option<PathBuf>,
    }
    let mut found = Vec::new();
    for line in messages.lines() {
        let Some(dir) = serde_json::from_str::<Message>(line)?.out_dir else { continue };
        for entry in fs::read_dir(dir)? {
            found.push(entry?.path());
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "so"));
    Ok(found)
}

/// A measured program that waits for requests.
pub(super) struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Kept while the program runs: it may start itself again.
    files: FreshFiles,
    /// What it printed about itself: names and values.
    pub(super) description: Vec<(String, String)>,
    /// The names of its workloads, and of each one's ways.
    pub(super) workloads: Vec<(String, Vec<String>)>,
}

impl Running {
    /// Starts a program, from files that no other start uses. Its static calls take this path at
    /// most.
    pub(super) fn start(
        program: &Path,
        pages: Pages,
        arguments: &[&str],
        cap: &str,
    ) -> Result<Self> {
        let files = FreshFiles::copy(program, &scratch("benchmarks"), pages)?;
        let mut command = Command::new(files.program());
        command.args(arguments).env("STATIC_CALL", cap);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or("a child without pipes")?;
        let output = BufReader::new(output);
        let (description, workloads) = (Vec::new(), Vec::new());
        let mut running = Self { child, input, output, files, description, workloads };
        loop {
            let line = running.line()?;
            if line == "ready" {
                return Ok(running);
            }
            let (name, value) = line.split_once('\t').ok_or_else(|| format!("printed {line:?}"))?;
            if name == "workload" {
                let mut words = value.split('\t').map(str::to_owned);
                running.workloads.push((words.next().unwrap_or_default(), words.collect()));
            } else {
                running.description.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("a measured program ended early: {}", self.child.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Returns the ways of a workload.
    pub(super) fn ways(&self, workload: &str) -> Result<&[String]> {
        let found = self.workloads.iter().find(|(name, _)| name == workload);
        Ok(&found.ok_or_else(|| format!("a program has no workload `{workload}`"))?.1)
    }

    /// Asks for a round of a workload: a sample of each of these ways, in this order. Returns each
    /// way and what an operation takes, in nanoseconds.
    pub(super) fn round(&mut self, workload: &str, ways: &[String]) -> Result<Vec<(String, f64)>> {
        let words = ways.iter().map(String::as_str);
        let request: Vec<_> = [workload].into_iter().chain(words).collect();
        writeln!(self.input, "{}", request.join("\t"))?;
        let mut samples = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(samples);
            }
            let (name, time) = line.split_once('\t').ok_or_else(|| format!("printed {line:?}"))?;
            samples.push((name.to_owned(), time.parse()?));
        }
    }

    /// Ends the program by closing its input, and deletes its files.
    pub(super) fn end(self) -> Result {
        let Self { mut child, input, files, .. } = self;
        drop(input);
        let status = child.wait()?;
        drop(files);
        if status.success() { Ok(()) } else { Err(format!("a measured program: {status}").into()) }
    }
}
