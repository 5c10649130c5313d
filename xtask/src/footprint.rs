//! What a key costs besides calls: bytes of the file, time to build, the first update. A generated
//! program with N functions of four calls each, and the same program with N static calls.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::machine;
use crate::run::{Result, cargo, output, root, scratch};
use crate::spread::Spread;

const FUNCTIONS: u32 = 1000;
const ROUNDS: usize = 5;

/// One of the two programs.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    Plain,
    StaticCalls,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::StaticCalls => "static-calls",
        }
    }
}

/// Builds both programs in turn and prints what a key adds.
pub(crate) fn footprint(args: &[String]) -> Result {
    let plain = Samples::new(Program::Plain)?;
    let keys = Samples::new(Program::StaticCalls)?;
    let mut all = [plain, keys];
    for _ in 0..ROUNDS {
        for samples in &mut all {
            samples.round()?;
        }
    }
    let table = table(&all)?;
    print!("{table}");
    if args.iter().any(|arg| arg == "--bless") {
        fs::write(root().join("measurements/footprint.md"), table)?;
    }
    Ok(())
}

/// The results, as a page.
fn table([plain, keys]: &[Samples; 2]) -> Result<String> {
    let per_key = |with: &[f64], without: &[f64]| -> Result<f64> {
        Ok((median(with)? - median(without)?) * 1e3 / f64::from(FUNCTIONS))
    };
    let bytes = keys.size()?.saturating_sub(plain.size()?) / u64::from(FUNCTIONS);
    Ok(format!(
        "# What a key costs besides calls\n\n\
         {}; the machine's load was {}.\n\n\
         {FUNCTIONS} functions with four calls and one target each, and the same program with \
         {FUNCTIONS} static calls.\n\
         Medians of {ROUNDS} rounds; only the program itself is built.\n\n\
         | what | cost |\n|---|--:|\n\
         | the stripped file, for each key | {bytes} bytes |\n\
         | `cargo check`, for each key | {:.1} ms |\n\
         | a release build, for each key | {:.1} ms |\n\
         | the first update | {:.2} ms |\n\
         | a later update | {:.3} ms |\n",
        machine::heading("`cargo xtask footprint --bless`")?,
        machine::load()?,
        per_key(&keys.checks, &plain.checks)?,
        per_key(&keys.builds, &plain.builds)?,
        median(&keys.first_updates)?,
        median(&keys.later_updates)?,
    ))
}

fn median(values: &[f64]) -> Result<f64> {
    Ok(Spread::of(values.to_vec()).ok_or("nothing was measured")?.median)
}

/// A program, and what was measured of it: seconds to build, milliseconds to update.
struct Samples {
    program: Program,
    dir: PathBuf,
    checks: Vec<f64>,
    builds: Vec<f64>,
    first_updates: Vec<f64>,
    later_updates: Vec<f64>,
}

impl Samples {
    fn new(program: Program) -> Result<Self> {
        let dir = scratch("footprint").join(program.name());
        write(program, &dir)?;
        let samples = Self {
            program,
            dir,
            checks: Vec::new(),
            builds: Vec::new(),
            first_updates: Vec::new(),
            later_updates: Vec::new(),
        };
        // Dependencies are built once and not measured.
        samples.cargo(&["check"])?;
        samples.cargo(&["build", "--release"])?;
        Ok(samples)
    }

    fn round(&mut self) -> Result {
        self.checks.push(self.cargo(&["check"])?);
        self.builds.push(self.cargo(&["build", "--release"])?);
        if self.program == Program::StaticCalls {
            let printed = output(&mut Command::new(self.image()))?;
            let mut times = printed.split_whitespace().map(str::parse);
            let mut next = || times.next().ok_or("the program printed no times");
            self.first_updates.push(next()??);
            self.later_updates.push(next()??);
        }
        Ok(())
    }

    /// Seconds that cargo takes for the program itself.
    fn cargo(&self, args: &[&str]) -> Result<f64> {
        let source = self.dir.join("src/main.rs");
        fs::File::options()
            .append(true)
            .open(&source)?
            .set_modified(std::time::SystemTime::now())?;
        let start = Instant::now();
        output(cargo(args).arg("--offline").current_dir(&self.dir))?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn image(&self) -> PathBuf {
        self.dir.join("target/release").join(self.program.name())
    }

    fn size(&self) -> Result<u64> {
        Ok(fs::metadata(self.image())?.len())
    }
}

fn write(program: Program, dir: &Path) -> Result {
    fs::create_dir_all(dir.join("src"))?;
    fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    let mut manifest = format!(
        "[package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n",
        program.name()
    );
    if program == Program::StaticCalls {
        let path = |name: &str| root().join(name).display().to_string();
        write!(
            manifest,
            "\n[dependencies]\nstatic-call = {{ path = {:?} }}\n\n\
             [build-dependencies]\nstatic-call-verify = {{ path = {:?} }}\n",
            path("static-call"),
            path("static-call-verify"),
        )?;
        let build = "fn main() {\n    static_call_verify::enable();\n}\n";
        fs::write(dir.join("build.rs"), build)?;
    }
    fs::write(dir.join("Cargo.toml"), manifest)?;
    Ok(fs::write(dir.join("src/main.rs"), source(program)?)?)
}

fn source(program: Program) -> Result<String> {
    let mut text = String::from("use std::hint::black_box;\n\n");
    let (attribute, inline) = match program {
        Program::Plain => ("", "#[inline(never)]\n"),
        Program::StaticCalls => ("#[static_call::static_call]\n", ""),
    };
    let mut calls = String::new();
    for i in 0..FUNCTIONS {
        write!(
            text,
            "{attribute}{inline}fn f{i}(x: u64) -> u64 {{\n    x.rotate_left({}) ^ {i}\n}}\n\
             fn t{i}(x: u64) -> u64 {{\n    x.rotate_left({}) + {i}\n}}\n\
             #[inline(never)]\nfn c{i}(x: u64) -> u64 {{\n    \
             f{i}(f{i}(x) + 1) + f{i}(f{i}(x ^ 2) ^ 3)\n}}\n",
            i % 63 + 1,
            i % 61 + 1,
        )?;
        writeln!(calls, "    x ^= c{i}(black_box(x));")?;
    }
    write!(text, "\nfn call_all(mut x: u64) -> u64 {{\n{calls}    x\n}}\n\nfn main() {{\n")?;
    text += "    black_box(call_all(1));\n";
    match program {
        // As much code of targets, reached by nothing but its address.
        Program::Plain => {
            let targets: Vec<_> = (0..FUNCTIONS).map(|i| format!("t{i}")).collect();
            let all = targets.join(", ");
            write!(
                text,
                "    let all: [fn(u64) -> u64; {FUNCTIONS}] = [{all}];\n    black_box(all);\n}}\n"
            )?;
        }
        Program::StaticCalls => {
            for i in 0..FUNCTIONS {
                let timed = i < 2;
                if timed {
                    writeln!(text, "    let start = std::time::Instant::now();")?;
                }
                writeln!(text, "    f{i}::update(t{i}).unwrap();")?;
                if timed {
                    text += "    println!(\"{}\", start.elapsed().as_secs_f64() * 1e3);\n";
                }
            }
            text += "    black_box(call_all(1));\n}\n";
        }
    }
    Ok(text)
}
