//! Tasks that consist of a command or two.

use std::process::{Command, Stdio};

use crate::run::{Result, cargo, output, root, run};

pub(crate) fn clippy(_: &[String]) -> Result {
    let all = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-Dwarnings"];
    run(&mut cargo(all))?;
    // The runtime without `std`, and what only a build dependency has, with the part of the runtime
    // that it uses.
    for bare in [
        &["--package", "static-call", "--no-default-features", "--features", "runtime"][..],
        &["--package", "static-call-verify"],
        &["--package", "static-call-verify", "--features", "lines"],
    ] {
        run(cargo(["clippy"]).args(bare).args(["--", "-Dwarnings"]))?;
    }
    Ok(())
}

pub(crate) fn test(_: &[String]) -> Result {
    run(&mut cargo(["test", "--workspace"]))
}

/// Tests the ways to link with the hook that `cargo test --workspace` leaves out.
pub(crate) fn test_links(_: &[String]) -> Result {
    let tests = ["--test", "link", "--test", "link_bind"];
    let links = ["--package", "static-call-verify", "--features", "library"];
    run(cargo(["test"]).args(links).args(tests).args(["--", "--ignored"]))
}

/// Runs the other tests that `cargo test --workspace` leaves out.
pub(crate) fn test_rest(_: &[String]) -> Result {
    let cli = [
        "--package",
        "static-call-verify",
        "--features",
        "cli",
        "--lib",
        "--bins",
        "--test",
        "cli",
        "--test",
        "guide",
        "--test",
        "link_cli",
    ];
    run(cargo(["test"]).args(cli))?;
    let dynamic = ["--package", "static-call-tests", "--test", "dynamic"];
    run(cargo(["test"]).args(dynamic).args(["--", "--ignored"]))?;
    let versions = ["--package", "static-call-tests", "--test", "rules_versions"];
    run(cargo(["test"]).args(versions).args(["--", "--ignored"]))
}

pub(crate) fn doc(_: &[String]) -> Result {
    run(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))
}

pub(crate) fn tidy(_: &[String]) -> Result {
    run(&mut cargo(["test", "--package", "static-call-tests", "--test", "tidy"]))
}

/// Runs the quickstart and checks its last line:
/// `static-call: K keys, S sites, C calls: I inline, T trampoline, X indirect`.
pub(crate) fn quickstart(_: &[String]) -> Result {
    run_quickstart(&mut cargo(["run", "--release", "--bin", "quickstart"]))
}

/// Runs a command that runs the quickstart.
pub(crate) fn run_quickstart(command: &mut Command) -> Result {
    let printed = output(command.stderr(Stdio::inherit()))?;
    print!("{printed}");
    let last = printed.trim_end().lines().last().unwrap_or_default();
    let counts = Counts::of(last).ok_or_else(|| {
        format!("the quickstart's last line is not `static-call: …` with six counts: {last:?}")
    })?;
    if counts.calls != counts.inline + counts.trampoline + counts.indirect {
        return Err(format!("the paths do not add up to the calls: {last:?}").into());
    }
    if counts.inline == 0 || counts.indirect != 0 {
        return Err(format!("some calls must be inline, and none indirect: {last:?}").into());
    }
    Ok(())
}

/// Runs every other example. Each checks its own results and ends by itself.
pub(crate) fn examples(_: &[String]) -> Result {
    let mut names: Vec<_> = std::fs::read_dir(root().join("examples/src/bin"))?
        .map(|entry| Ok(entry?.path().file_stem().unwrap_or_default().to_owned()))
        .collect::<Result<_>>()?;
    names.retain(|name| name != "quickstart");
    names.sort();
    for name in names {
        println!("{}:", name.display());
        run(cargo(["run", "--quiet", "--release", "--bin"]).arg(name))?;
    }
    Ok(())
}

/// The counts of a report's last line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) keys: u64,
    pub(crate) sites: u64,
    pub(crate) calls: u64,
    pub(crate) inline: u64,
    pub(crate) trampoline: u64,
    pub(crate) indirect: u64,
}

impl Counts {
    /// Reads `static-call: K keys, S sites, C calls: I inline, T trampoline, X indirect`.
    pub(crate) fn of(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("static-call: ")?.split([',', ':']);
        let mut count = |noun: &str| {
            let (number, word) = words.next()?.trim().split_once(' ')?;
            (word == noun || format!("{word}s") == noun).then(|| number.parse().ok())?
        };
        let counts = Self {
            keys: count("keys")?,
            sites: count("sites")?,
            calls: count("calls")?,
            inline: count("inline")?,
            trampoline: count("trampoline")?,
            indirect: count("indirect")?,
        };
        words.next().is_none().then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn the_last_line_is_read_or_refused() {
        let line = "static-call: 3 keys, 4 sites, 9 calls: 7 inline, 2 trampoline, 0 indirect";
        let counts = Counts { keys: 3, sites: 4, calls: 9, inline: 7, trampoline: 2, indirect: 0 };
        assert_eq!(Counts::of(line), Some(counts));
        assert!(
            Counts::of("static-call: 1 key, 1 site, 1 call: 1 inline, 0 trampoline, 0 indirect")
                .is_some()
        );
        assert_eq!(Counts::of(&line.replace("keys", "locks")), None);
        assert_eq!(Counts::of(&line.replace("9 calls", "calls")), None);
        assert_eq!(Counts::of(&format!("{line}, 1 more")), None);
        assert_eq!(Counts::of(""), None);
    }
}
