//! `cargo bench`: what a call, a hook that is off and an update cost, beside every alternative;
//! and what keys cost in size and the link hook in time.
//!
//! Ratios are to a direct call, or to code without checks, in the same round and process. Ways are
//! interleaved: each round takes one sample of every way in every program, in an order that is
//! drawn. Criterion measures one way after another, so whatever changes on the machine in between
//! changes its ratios; so this has a harness of its own.

mod calls;
mod code;
mod costs;
mod fresh_files;
mod off;
mod order;
mod plot;
mod program;
mod programs;
mod requests;
mod results;
mod rounds;
mod runs;
mod switching;
mod table;
mod targets;

use std::fs;

use crate::machine;
use crate::run::{Result, root};
use results::Results;

/// Rounds, each of which measures everything once.
const ROUNDS: usize = 40;
/// Rounds after which programs are started again.
const ROUNDS_OF_A_START: usize = 4;

/// The task's options.
struct Options {
    rounds: usize,
    /// Part of the names of the workloads to measure.
    workload: String,
    /// Whether to measure the size of keys, and the time of links: minutes of building each.
    size: bool,
    link: bool,
    bless: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let (rounds, workload) = (ROUNDS, String::new());
        let mut options = Self { rounds, workload, size: true, link: true, bless: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--rounds" => options.rounds = value()?.parse()?,
                "--workload" => options.workload.clone_from(value()?),
                "--no-size" => options.size = false,
                "--no-link" => options.link = false,
                "--bless" => options.bless = true,
                // Cargo passes it.
                "--bench" => {}
                _ => {
                    return Err(format!(
                        "unknown option `{arg}`; known are --rounds N, --workload NAME, --no-size, \
                         --no-link, --bless"
                    )
                    .into());
                }
            }
        }
        if options.rounds == 0 {
            return Err("--rounds needs a number from 1".into());
        }
        let has_everything = options.workload.is_empty() && options.size && options.link;
        if options.bless && !has_everything {
            return Err("--bless writes a record of everything; it goes with --rounds only".into());
        }
        programs::check_wanted(&options)?;
        Ok(options)
    }

    /// Returns how often the programs are started.
    fn starts(&self) -> usize {
        self.rounds.div_ceil(ROUNDS_OF_A_START)
    }

    fn wants(&self, workload: &str) -> bool {
        workload.contains(&self.workload)
    }
}

/// Measures, prints tables and targets, and writes results and plots.
pub(crate) fn bench(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let command = format!("`cargo bench -- --bless --rounds {}`", options.rounds);
    let heading = machine::heading(&command)?;
    let before = machine::load()?;
    let mut sections = Vec::new();
    let all = [calls::section, off::section, off::forms, switching::section, requests::section];
    for section in all {
        sections.push(section(&options)?);
    }
    // Those of which no workload is wanted.
    sections.retain(|section| !section.programs.is_empty());
    let (size, link_time) = (costs::size(&options)?, costs::link_time(&options)?);
    let load = [before, machine::load()?];
    let results = Results { heading, load, sections, size, link_time };
    let text = table::document(&results)?;
    print!("{text}");
    let dir = root().join("target/static-call/bench");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("results.json"), serde_json::to_string_pretty(&results)?)?;
    let plots = plot::plots(&results, &dir)?;
    println!("\nresults.json and {} plots are in {}", plots.len(), dir.display());
    if options.bless {
        let kept = root().join("measurements/plots");
        fs::remove_dir_all(&kept).unwrap_or_default();
        fs::create_dir_all(&kept)?;
        for plot in &plots {
            fs::copy(plot, kept.join(plot.file_name().unwrap_or_default()))?;
        }
        fs::write(root().join("measurements/benchmarks.md"), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    /// A part of the results does not replace a record of everything.
    #[test]
    fn a_record_has_everything() {
        assert!(parse(&["--bless", "--rounds", "3"]).is_ok_and(|options| options.bless));
        for part in [&["--workload", "gap"][..], &["--no-size"], &["--no-link"]] {
            assert!(parse(part).is_ok(), "{part:?}");
            assert!(parse(&[part, &["--bless"]].concat()).is_err(), "{part:?}");
        }
    }
}
