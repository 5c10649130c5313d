//! Measures how long the verifier takes, as ratios to other programs in the same round.

mod given;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Serialize;

use crate::machine;
use crate::run::{Result, cargo, output, root, run, scratch, target};
use crate::spread::Spread;

/// Rounds, each of which measures everything once.
const ROUNDS: usize = 21;
/// Rounds with `objdump`, which takes most of a minute.
const LONG_ROUNDS: usize = 3;

/// Measures and prints. `--no-objdump` skips what takes minutes; `--no-link` skips what builds an
/// example; `--bless` writes `measurements/verifier.md`.
pub(crate) fn verify(args: &[String]) -> Result {
    let has = |name: &str| args.iter().any(|a| a == name);
    let bin = "cargo-static-call";
    let cli = ["--package", "static-call-verify", "--features", "cli", "--bin", bin];
    run(cargo(["build", "--release", "--quiet"]).args(cli))?;
    let verifier = target().join("release").join(bin);
    let dir = scratch("bench");
    fs::create_dir_all(&dir)?;
    let mut text = images(&verifier, &dir, !has("--no-objdump"))?;
    if !has("--no-link") {
        text += &format!("\n{}", links()?.text());
    }
    print!("{text}");
    if has("--bless") {
        let heading = machine::heading("`cargo xtask bench-verify --bless`")?;
        let document = format!("# What verifying costs\n\n{heading}.\n\n{text}");
        fs::write(root().join("measurements/verifier.md"), document)?;
    }
    Ok(())
}

const IMAGES: &str = "\
`cargo static-call verify` on the library that contains the compiler: unmodified (headers and notes
show that it has no static calls), and a copy with static calls added. Medians and quartiles. Ratios
are to `sha256sum` and `objdump -d` of the library in the same round.

| what | ms | % of `sha256sum` | `objdump` takes |
|---|--:|--:|--:|
";

const LINKS: &str = "\
Linking two examples by rust-lld, without the link hook and with it (unoptimised, as in users' build
scripts): medians and quartiles of the time without it, and of the difference between consecutive
links. `audit` has a few keys, `quickstart` more than a thousand.

| link | without the hook, ms | the hook adds, ms | % |
|---|--:|--:|--:|
";

/// What the link hook adds to links.
#[derive(Serialize)]
pub(crate) struct Links(pub(crate) Vec<Link>);

/// What it adds to a link.
#[derive(Serialize)]
pub(crate) struct Link {
    pub(crate) program: &'static str,
    pub(crate) profile: &'static str,
    pub(crate) megabytes: f64,
    /// Seconds without the hook, and how many more with it.
    pub(crate) without: Spread,
    pub(crate) added: Spread,
    /// Those divided by these, for consecutive links.
    pub(crate) part: Spread,
}

impl Links {
    /// Returns the table.
    pub(crate) fn text(&self) -> String {
        let row = |link: &Link| {
            let Link { program, profile, megabytes, without, added, part } = link;
            let [without, added] = [without, added].map(ms);
            let name = format!("`{program}`, {profile}, {megabytes:.1} MB");
            format!("| {name} | {without} | {added} | {} |\n", percent(part))
        };
        LINKS.to_owned() + &self.0.iter().map(row).collect::<String>()
    }
}

/// Times a debug and a release link of each example.
pub(crate) fn links() -> Result<Links> {
    let dir = scratch("bench");
    fs::create_dir_all(&dir)?;
    let mut links = Vec::new();
    for program in ["audit", "quickstart"] {
        for profile in ["dev", "release"] {
            links.push(link(program, profile, &dir)?);
        }
    }
    Ok(Links(links))
}

/// Times the verifier on images, and `sha256sum` and `objdump` in the same rounds.
fn images(verifier: &Path, dir: &Path, with_objdump: bool) -> Result<String> {
    let driver = driver()?;
    let given = dir.join("given.so");
    let (keys, calls) = given::static_calls(&fs::read(&driver)?, &given)?;
    let verifying = |image: &Path| {
        let mut command = Command::new(verifier);
        command.args(["static-call", "verify"]).arg(image);
        command
    };
    let inline = inline(&mut verifying(&given))?;
    // The functions that became trampolines no longer decode, so the calls in them cannot.
    if inline < calls / 2 {
        return Err(format!("only {inline} of about {calls} calls could be inline").into());
    }
    let mut commands =
        [Command::new("sha256sum"), verifying(&driver), verifying(&given), Command::new("objdump")];
    commands[0].arg(&driver);
    commands[3].arg("-d").arg(&driver);
    let mut times: [Vec<f64>; 4] = Default::default();
    for round in 0..ROUNDS {
        for (n, (command, times)) in commands.iter_mut().zip(&mut times).enumerate() {
            if n < 3 || with_objdump && round < LONG_ROUNDS {
                times.push(time(command)?);
            }
        }
    }
    let [sum, .., dump] = &times;
    let size = fs::metadata(&driver)?.len() / 1_000_000;
    let names = [
        "`sha256sum`".to_owned(),
        format!("the library, {size} MB"),
        format!("the copy with {keys} keys and {inline} calls that could be inline"),
        "`objdump -d`".to_owned(),
    ];
    let mut text = IMAGES.to_owned();
    for (n, (name, own)) in
        names.iter().zip(&times).enumerate().filter(|(_, row)| !row.1.is_empty())
    {
        let part = if n == 0 { String::new() } else { percent(&spread(ratios(own, sum))?) };
        let factor = |s: Spread| format!("{:.0} times as long", s.median);
        let factor = Spread::of(ratios(dump, own)).filter(|_| n != 3).map(factor);
        writeln!(
            text,
            "| {name} | {} | {part} | {} |",
            ms(&spread(own.clone())?),
            factor.unwrap_or_default()
        )?;
    }
    Ok(text)
}

/// Returns how many calls of an image without a table could be inline, according to `verify`.
fn inline(verifying: &mut Command) -> Result<u32> {
    let out = verifying.output()?;
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    let count = |line: &str| line.split_once(" calls could be inline")?.0.parse().ok();
    text.lines().find_map(count).ok_or_else(|| format!("no call can be inline:\n{text}").into())
}

/// Returns the ratios for the rounds that have both.
fn ratios(own: &[f64], other: &[f64]) -> Vec<f64> {
    own.iter().zip(other).map(|(own, other)| own / other).collect()
}

fn spread(values: Vec<f64>) -> Result<Spread> {
    Spread::of(values).ok_or_else(|| "nothing was measured".into())
}

fn ms(seconds: &Spread) -> String {
    let s = seconds;
    format!("{:.1} ({:.1}–{:.1})", s.median * 1e3, s.low * 1e3, s.high * 1e3)
}

fn percent(ratios: &Spread) -> String {
    let s = ratios;
    format!("{:.1} % ({:.1}–{:.1})", s.median * 1e2, s.low * 1e2, s.high * 1e2)
}

/// Returns the seconds that a command takes.
fn time(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = start.elapsed().as_secs_f64();
    // 1 means that the policy denies a finding.
    match status.code() {
        Some(0 | 1) => Ok(took),
        _ => Err(format!("{}: {status}", command.get_program().display()).into()),
    }
}

/// Returns the library that contains the compiler.
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

/// Repeats one link of an example, with the hook and without.
fn link(program: &'static str, profile: &'static str, dir: &Path) -> Result<Link> {
    let build = ["rustc", "--quiet", "--package", "static-call-examples", "--bin", program];
    // A unique name makes cargo link again.
    let name = format!("bench_{}", std::process::id());
    let own = ["--", "-Csave-temps", "--print", "link-args", "--cfg", &name];
    // As in users' builds; this workspace optimises the verifier for its tests.
    let as_theirs = ["--config", "profile.dev.package.static-call-verify.opt-level=0"];
    let line = output(cargo(build).args(as_theirs).args(["--profile", profile]).args(own))?;
    let hooked = line.lines().find(|line| line.contains("-B")).ok_or("cargo did not link")?;
    let hook =
        hooked.split(' ').find(|word| word.starts_with("\"-B") && word.contains("static-call\""));
    let plain = hooked.replace(hook.ok_or("the link has no hook")?, "");
    let [out, kept] = ["out", "kept"].map(|name| dir.join(name));
    let shell = |line: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{line} -o {}", out.display()));
        command
    };
    let linking = |line: &str| {
        let took = time(&mut shell(line))?;
        // Cargo, too, links the image to another place and removes it there after the next link,
        // so that no link waits until the system has freed it.
        let _ = fs::remove_file(&kept);
        fs::hard_link(&out, &kept)?;
        Result::Ok(took)
    };
    let (mut without, mut added) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [with, plain] = [linking(hooked)?, linking(&plain)?];
        without.push(plain);
        added.push(with - plain);
    }
    let megabytes = fs::metadata(&out)?.len() as f64 / 1e6;
    let part = spread(ratios(&added, &without))?;
    Ok(Link { program, profile, megabytes, without: spread(without)?, added: spread(added)?, part })
}
