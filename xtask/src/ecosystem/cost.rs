//! Measures what the crates cost with static calls and without: the same program, built with each
//! copy and run in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::count;
use super::given::Given;
use super::source::Copy;
use super::suite::{Build, TARGET};
use crate::run::{Result, cargo, output};
use crate::spread::Spread;

/// Rounds, each of which measures every way of building and running once.
pub(super) const ROUNDS: usize = 11;

/// What a round measures: a copy, how it is built, and the shortest path that calls may take.
const WAYS: [(Copy, Build, &str); 4] = [
    (Copy::Original, Build::Plain, "inline"),
    (Copy::Original, Build::Release, "inline"),
    (Copy::Patched, Build::Release, "inline"),
    (Copy::Patched, Build::Release, "indirect"),
];

/// The cost of one thing that the program does.
pub(super) struct Cost {
    pub(super) what: String,
    /// Nanoseconds, as published.
    pub(super) original: Spread,
    /// Ratios to that: with only the flags; with static calls; with static calls capped to
    /// indirect; and after a switch, where the program makes one.
    pub(super) flags: Spread,
    pub(super) patched: Spread,
    pub(super) indirect: Spread,
    pub(super) switched: Option<Spread>,
    /// Instructions of one operation, as published and with static calls, if they can be counted.
    pub(super) instructions: Option<[f64; 2]>,
}

/// What a program measured, by name. A time after a switch has its own name.
type Times = BTreeMap<String, f64>;

/// The suffix of what the program measured after a switch.
const SWITCHED: &str = " (switched)";
/// The name of the time that a switch takes.
const SWITCH: &str = "a switch";

/// The costs of a crate.
pub(super) struct Costs {
    pub(super) costs: Vec<Cost>,
    /// Nanoseconds to switch all of its keys.
    pub(super) switch: Option<Spread>,
    /// The program with static calls.
    pub(super) program: PathBuf,
}

pub(super) fn measure(dir: &Path, given: &Given) -> Result<Costs> {
    let programs = [
        build(dir, given, Copy::Original, Build::Plain)?,
        build(dir, given, Copy::Original, Build::Release)?,
        build(dir, given, Copy::Patched, Build::Release)?,
    ];
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for (copy, built, path) in WAYS {
            let program = match (copy, built) {
                (Copy::Patched, _) => &programs[2],
                (_, Build::Plain) => &programs[0],
                _ => &programs[1],
            };
            round.push(times(&output(Command::new(program).env("STATIC_CALL", path))?)?);
        }
        rounds.push(round);
    }
    let [original, _, program] = programs;
    let mut costs = costs(&rounds, program)?;
    if count::is_offered() {
        for cost in &mut costs.costs {
            let of = |program| count::instructions(program, &cost.what);
            cost.instructions = Some([of(&original)?, of(&costs.program)?]);
        }
    }
    Ok(costs)
}

fn costs(rounds: &[Vec<Times>], program: PathBuf) -> Result<Costs> {
    let spread = |value: &dyn Fn(&Vec<Times>) -> Option<f64>| {
        Spread::of(rounds.iter().map(value).collect::<Option<_>>()?)
    };
    let Some(names) = rounds.first().and_then(|r| r.first()).map(|t| t.keys().cloned()) else {
        return Err("nothing was measured".into());
    };
    let of = |what: String| {
        let ratio = |way: usize, name: &str| {
            spread(&|r: &Vec<Times>| Some(r[way].get(name)? / r[0].get(&what)?))
        };
        Some(Cost {
            original: spread(&|r| r[0].get(&what).copied())?,
            flags: ratio(1, &what)?,
            patched: ratio(2, &what)?,
            indirect: ratio(3, &what)?,
            switched: ratio(2, &format!("{what}{SWITCHED}")),
            instructions: None,
            what,
        })
    };
    let costs = names.map(of).collect::<Option<_>>();
    Ok(Costs {
        costs: costs.ok_or("the programs did not measure the same things")?,
        switch: spread(&|r: &Vec<Times>| r[2].get(SWITCH).copied()),
        program,
    })
}

fn build(dir: &Path, given: &Given, copy: Copy, build: Build) -> Result<PathBuf> {
    let mut command = cargo(["build", "--release", "--quiet", "--target", TARGET]);
    command.current_dir(copy.bench(dir, given)).envs(build.environment(dir)?);
    output(&mut command)?;
    // The builds share a directory, so each program has to be moved aside.
    let name = format!("bench-{}", given.name);
    let built = dir.join("target").join(TARGET).join("release").join(&name);
    let kept = copy.bench(dir, given).join(format!("{name}-{}", build as u8));
    std::fs::copy(built, &kept)?;
    Ok(kept)
}

/// Reads lines that have a name, a tab and nanoseconds.
fn times(printed: &str) -> Result<Times> {
    let line = |line: &str| {
        let (name, time) = line.split_once('\t')?;
        Some((name.to_owned(), time.parse().ok()?))
    };
    let times: Option<Times> = printed.lines().map(line).collect();
    times.ok_or_else(|| format!("not names and times:\n{printed}").into())
}

#[cfg(test)]
mod tests {
    use super::{costs, times};

    #[test]
    fn ratios_are_to_the_original_of_the_same_round() {
        let round = |scale: f64| {
            let time = |n: f64| times(&format!("find\t{}\n", n * scale)).unwrap();
            let mut patched = time(8.0);
            patched.insert("find (switched)".to_owned(), 20.0 * scale);
            patched.insert("a switch".to_owned(), 5.0);
            vec![time(10.0), time(11.0), patched, time(15.0)]
        };
        let found = costs(&[round(1.0), round(2.0), round(3.0)], "program".into()).unwrap();
        let [cost] = &found.costs[..] else { panic!("one thing was measured") };
        let medians =
            [cost.flags, cost.patched, cost.indirect, cost.switched.unwrap()].map(|s| s.median);
        assert_eq!(medians, [1.1, 0.8, 1.5, 2.0]);
        assert_eq!((cost.original.median, found.switch.unwrap().median), (20.0, 5.0));
    }

    #[test]
    fn other_lines_are_refused() {
        assert!(times("find\t1.5\nsearch\t2\n").is_ok());
        assert!(times("find 1.5\n").is_err());
        assert!(times("find\tlong\n").is_err());
    }
}
