//! What the build dependency `static-call-verify` costs a user's build: how many crates it
//! compiles, and the processor time of a build from scratch.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::machine;
use crate::run::{Result, cargo, output, root, scratch};
use crate::spread::Spread;

/// The most crates, `static-call-verify` and `static-call` included.
const MOST_CRATES: usize = 10;
/// The most CPU seconds that it may add to the build of a package with static calls: half of what
/// it added when it had 31 crates, on two cores of an Intel Xeon.
const MOST_SECONDS: f64 = 12.5;
const ROUNDS: usize = 3;
/// The target whose build scripts hook links.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Prints both, and how they compare with the targets. Only the number of crates is an error: what
/// else the machine does changes the time.
pub(crate) fn build_dependency(_: &[String]) -> Result {
    let crates = crates()?;
    print!("{}", table(&crates)?);
    within(&crates)
}

/// Returns the results as a page.
pub(crate) fn table(crates: &[String]) -> Result<String> {
    let [plain, hook, both] = seconds()?;
    let added = both - plain;
    let verdict = |is_met| if is_met { "met" } else { "missed" };
    let mut text = format!(
        "# What the build dependency costs\n\n{}; the machine's load was {}.\n\n\
         Processor time of `cargo build` from scratch, without incremental compilation, as \
         dependencies are compiled. Medians of {ROUNDS} rounds.\n\n\
         | what | cost | target | |\n|---|--:|--:|---|\n",
        machine::heading("`cargo xtask build-dependency`")?,
        machine::load()?,
    );
    let count = crates.len();
    let is_met = verdict(count <= MOST_CRATES);
    writeln!(text, "| crates, itself included | {count} | at most {MOST_CRATES} | {is_met} |")?;
    writeln!(text, "| build of a package with the build dependency alone | {hook:.1} s | | |")?;
    writeln!(text, "| build of a package with `static-call` alone | {plain:.1} s | | |")?;
    let is_met = verdict(added <= MOST_SECONDS);
    writeln!(
        text,
        "| added to that by the build dependency | {added:.1} s | at most {MOST_SECONDS} s | \
         {is_met} |\n\nThe crates: {}.",
        crates.join(", ")
    )?;
    Ok(text)
}

/// Returns the crates that a build dependency on the verifier compiles, with their versions. All
/// of them count, also those that a program with static calls compiles anyway.
fn crates() -> Result<Vec<String>> {
    let tree = ["tree", "--offline", "--package=static-call-verify", "--edges=normal,build"];
    let list = output(cargo(tree).args(["--prefix=none", "--format={p}", "--target", TARGET]))?;
    let mut crates: Vec<String> = list
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty())
        .collect();
    crates.sort();
    crates.dedup();
    Ok(crates)
}

/// Returns an error that names the crates if there are too many.
fn within(crates: &[String]) -> Result {
    if crates.len() <= MOST_CRATES {
        return Ok(());
    }
    let (count, names) = (crates.len(), crates.join(", "));
    Err(format!(
        "a build dependency on static-call-verify compiles {count} crates, more than \
         {MOST_CRATES}: {names}"
    )
    .into())
}

/// Returns the CPU seconds to build a package with static calls, with the link hook, and with both.
fn seconds() -> Result<[f64; 3]> {
    let runtime = "[dependencies]\nstatic-call";
    let hook = "[build-dependencies]\nstatic-call-verify";
    let packages = [
        package("plain", &[runtime])?,
        package("hook", &[hook])?,
        package("both", &[runtime, hook])?,
    ];
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (dir, times) in packages.iter().zip(&mut times) {
            let target = dir.join("target");
            if target.exists() {
                fs::remove_dir_all(target)?;
            }
            let before = children()?;
            let mut build = cargo(["build", "--offline"]);
            build.env("CARGO_INCREMENTAL", "0").env_remove("CARGO_TARGET_DIR");
            output(build.current_dir(dir))?;
            times.push(children()? - before);
        }
    }
    let median = |times| Spread::of(times).map(|spread| spread.median);
    let [plain, hook, both] = times.map(median);
    let missing = "nothing was measured";
    Ok([plain.ok_or(missing)?, hook.ok_or(missing)?, both.ok_or(missing)?])
}

/// Writes a package that depends on crates of this workspace.
fn package(name: &str, dependencies: &[&str]) -> Result<PathBuf> {
    let dir = scratch("build-dependency").join(name);
    fs::create_dir_all(dir.join("src"))?;
    fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    let mut manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n"
    );
    for dependency in dependencies {
        let name = dependency.rsplit('\n').next().unwrap_or_default();
        let path = root().join(name);
        writeln!(manifest, "\n{dependency} = {{ path = {path:?} }}")?;
        if name == "static-call-verify" {
            let script = "fn main() {\n    static_call_verify::enable();\n}\n";
            fs::write(dir.join("build.rs"), script)?;
        }
    }
    fs::write(dir.join("Cargo.toml"), manifest)?;
    fs::write(dir.join("src/main.rs"), "fn main() {}\n")?;
    Ok(dir)
}

/// Returns the CPU seconds of the programs that this one has started and that have ended: `cutime`
/// and `cstime`, in ticks (proc_pid_stat(5)).
fn children() -> Result<f64> {
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    Ok(fields.map(str::parse::<f64>).sum::<std::result::Result<f64, _>>()? / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_dependency_is_small() {
        let crates = crates().unwrap();
        assert!(crates.iter().any(|name| name.starts_with("iced-x86 ")), "{crates:?}");
        within(&crates).unwrap();
    }

    #[test]
    fn too_many_crates_are_named() {
        let names: Vec<String> = (0..=MOST_CRATES).map(|n| format!("name-{n} 1.0.0")).collect();
        let error = within(&names).unwrap_err().to_string();
        assert!(error.contains("11 crates, more than 10") && error.contains("name-10 1.0.0"));
        assert!(within(&names[1..]).is_ok());
    }

    #[test]
    fn the_time_of_children_is_read() {
        let before = children().unwrap();
        output(&mut std::process::Command::new("true")).unwrap();
        assert!(children().unwrap() >= before);
    }
}
