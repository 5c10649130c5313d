//! Builds a program and runs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Instant, SystemTime};

use super::image::Image;
use super::program::{Program, Size};
use crate::run::{Result, cargo, output, scratch};

/// What building takes: seconds, and seconds of processors.
#[derive(Clone, Copy)]
pub(super) struct Took {
    pub(super) elapsed: f64,
    pub(super) processor: f64,
}

/// A program, and what was measured of it.
pub(super) struct Samples {
    program: Program,
    keys: u32,
    dir: PathBuf,
    pub(super) checks: Vec<Took>,
    pub(super) builds: Vec<Took>,
    /// What the program printed, by the first word of each line, in each round.
    pub(super) printed: Vec<BTreeMap<String, Vec<f64>>>,
}

impl Samples {
    pub(super) fn new(program: Program, size: Size) -> Result<Self> {
        let dir = scratch("footprint").join(format!("{}-{}", program.name(), size.keys));
        program.write(size, &dir)?;
        let samples = Self {
            program,
            keys: size.keys,
            dir,
            checks: Vec::new(),
            builds: Vec::new(),
            printed: Vec::new(),
        };
        // Dependencies are built once and not measured.
        samples.cargo(&["check"])?;
        samples.cargo(&["build", "--release"])?;
        Ok(samples)
    }

    pub(super) fn round(&mut self) -> Result {
        self.checks.push(self.cargo(&["check", "--offline"])?);
        self.builds.push(self.cargo(&["build", "--release", "--offline"])?);
        let mut printed = BTreeMap::<String, Vec<f64>>::new();
        for line in output(&mut Command::new(self.path()))?.lines() {
            let (name, value) = line.split_once(' ').ok_or("the program printed a word alone")?;
            printed.entry(name.to_owned()).or_default().push(value.parse()?);
        }
        self.printed.push(printed);
        Ok(())
    }

    /// Builds the program itself.
    fn cargo(&self, args: &[&str]) -> Result<Took> {
        let source = self.dir.join("src/main.rs");
        fs::File::options().append(true).open(&source)?.set_modified(SystemTime::now())?;
        let (start, before) = (Instant::now(), processor_time()?);
        // One directory for all programs, so that libraries are built once.
        let target = scratch("footprint").join("target");
        output(cargo(args).env("CARGO_TARGET_DIR", target).current_dir(&self.dir))?;
        let elapsed = start.elapsed().as_secs_f64();
        Ok(Took { elapsed, processor: processor_time()? - before })
    }

    pub(super) fn image(&self) -> Result<Image> {
        Image::read(&self.path())
    }

    /// Returns how many cache lines of code the calls of all functions touch, before the updates
    /// (`default`) or after them (`target`).
    pub(super) fn lines(&self, what: &str) -> Result<usize> {
        let printed = self.printed.last().ok_or("the program never ran")?;
        let of = |what: &str| -> Result<Vec<u64>> {
            let values = printed.get(what).ok_or_else(|| format!("no `{what}` was printed"))?;
            Ok(values.iter().map(|&value| value as u64).collect())
        };
        self.image()?.lines(of("anchor")?[0], &of(what)?)
    }

    fn path(&self) -> PathBuf {
        let release = scratch("footprint").join("target/release");
        release.join(format!("{}-{}", self.program.name(), self.keys))
    }
}

/// Returns the seconds that processors have spent on programs that this one started.
fn processor_time() -> Result<f64> {
    // Clock ticks of 10 ms; the name of the program, in parentheses, may contain spaces.
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|field| field.parse::<u32>().ok());
    match (ticks(13), ticks(14)) {
        (Some(user), Some(system)) => Ok(f64::from(user + system) / 100.0),
        _ => Err("/proc/self/stat has no times".into()),
    }
}
