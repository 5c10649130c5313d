//! How long the verifier takes, as ratios to other programs that were measured beside it.

mod given;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{Result, cargo, output, root, run, scratch};

/// Rounds of which the fastest counts: the machine's other work only adds.
const ROUNDS: usize = 7;

/// `--no-objdump` leaves out what takes a minute, `--no-link` what builds an example.
pub(crate) fn verify(args: &[String]) -> Result {
    let has = |name: &str| args.iter().any(|a| a == name);
    let bin = "cargo-static-call";
    let cli = ["--package", "static-call-verify", "--features", "cli", "--bin", bin];
    run(cargo(["build", "--release", "--quiet"]).args(cli))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let verifier = root().join(target).join("release").join(bin);
    let driver = driver()?;
    let dir = scratch("bench");
    fs::create_dir_all(&dir)?;
    let given = dir.join("given.so");
    let calls = given::static_calls(&fs::read(&driver)?, &given)?;
    let size = fs::metadata(&driver)?.len() / 1_000_000;
    println!("{}: {size} MB; a copy of it is given {calls}", driver.display());

    let verifying = |image: &Path| {
        let mut command = Command::new(&verifier);
        command.args(["static-call", "verify"]).arg(image);
        command
    };
    let [mut sum, mut plain, mut full] = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        sum = sum.min(time(Command::new("sha256sum").arg(&driver))?);
        plain = plain.min(time(&mut verifying(&driver))?);
        full = full.min(time(&mut verifying(&given))?);
    }
    println!("sha256sum          {:>9.1} ms", ms(sum));
    report("verify", plain, "of sha256sum", plain.as_secs_f64() / sum.as_secs_f64());
    report("verify, with calls", full, "of sha256sum", full.as_secs_f64() / sum.as_secs_f64());
    if !has("--no-objdump") {
        let dump = time(Command::new("objdump").arg("-d").arg(&driver))?;
        println!("objdump -d         {:>9.1} ms", ms(dump));
        let factor = |own: Duration| dump.as_secs_f64() / own.as_secs_f64();
        println!(
            "verify is {:.0} times as fast, with calls {:.0} times",
            factor(plain),
            factor(full)
        );
    }
    if !has("--no-link") {
        for profile in ["dev", "release"] {
            link(profile, &dir)?;
        }
    }
    Ok(())
}

fn report(what: &str, own: Duration, other: &str, ratio: f64) {
    println!("{what:<18} {:>9.1} ms  {:>5.1} % {other}", ms(own), ratio * 100.0);
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn time(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = start.elapsed();
    // 1: findings that a policy denies.
    match status.code() {
        Some(0 | 1) => Ok(took),
        _ => Err(format!("{}: {status}", command.get_program().display()).into()),
    }
}

/// The library that holds the compiler.
fn driver() -> Result<PathBuf> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let dir = Path::new(sysroot.trim()).join("lib");
    let is_driver = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with("librustc_driver-") && name.ends_with(".so")
    };
    let mut found = fs::read_dir(&dir)?.flatten().map(|entry| entry.path()).filter(is_driver);
    found.next().ok_or_else(|| format!("no librustc_driver in {}", dir.display()).into())
}

/// Runs one link of an example again and again, with the hook and without.
fn link(profile: &str, dir: &Path) -> Result {
    let build = ["rustc", "--quiet", "--package", "static-call-examples", "--bin", "quickstart"];
    // A name of its own has cargo link it anew.
    let name = format!("bench_{}", std::process::id());
    let own = ["--", "-Csave-temps", "--print", "link-args", "--cfg", &name];
    // As users have it: this workspace optimises the verifier for its tests.
    let as_theirs = ["--config", "profile.dev.package.static-call-verify.opt-level=0"];
    let line = output(cargo(build).args(as_theirs).args(["--profile", profile]).args(own))?;
    let hooked = line.lines().find(|line| line.contains("-B")).ok_or("cargo has not linked")?;
    let hook =
        hooked.split(' ').find(|word| word.starts_with("\"-B") && word.contains("static-call\""));
    let plain = hooked.replace(hook.ok_or("the link has no hook")?, "");
    let out = dir.join("out");
    let shell = |line: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{line} -o {}", out.display()));
        command
    };
    let [mut with, mut without] = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        with = with.min(time(&mut shell(hooked))?);
        without = without.min(time(&mut shell(&plain))?);
    }
    let size = fs::metadata(&out)?.len() as f64 / 1e6;
    let added = with.saturating_sub(without);
    println!(
        "link of {size:.1} MB ({profile}): {:.1} ms, the hook adds {:.1} ms or {:.1} %",
        ms(without),
        ms(added),
        added.as_secs_f64() / without.as_secs_f64() * 100.0
    );
    Ok(())
}
