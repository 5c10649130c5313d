//! The cells of the matrix: the ways to compile and link the generated program.

use std::fs;

use crate::generate::Random;
use crate::run::{Result, root};

/// One way to build the program. Each field is an index into the list of its factor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell([usize; FACTORS.len()]);

/// The factors that vary, and the names of their values. The first value is the ordinary one.
const FACTORS: [(&str, &[&str]); 9] = [
    ("opt-level", &["3", "2", "1", "0", "s", "z"]),
    ("lto", &["off", "thin", "fat"]),
    ("codegen-units", &["16", "1"]),
    // Those that `cargo static-call init` writes.
    ("flags", &["set", "no-flags"]),
    ("linker", &["lld", "ld", "mold"]),
    ("driver", &["gcc", "clang"]),
    ("panic", &["unwind", "abort"]),
    ("strip", &["none", "symbols"]),
    ("mode", &["pie", "static-pie", "static"]),
];

/// The number of first factors of which all combinations are built, with the others ordinary.
const FULL: usize = 4;
/// The factors that a name mentions if they are not ordinary.
const MENTIONED: [&str; 5] = ["driver", "panic", "strip", "mode", "flags"];

impl Cell {
    /// Opt-level 3, everything else ordinary.
    pub(crate) const ORDINARY: Self = Self([0; FACTORS.len()]);

    /// The same without flags.
    pub(crate) const NO_FLAGS: Self = Self([0, 0, 0, 1, 0, 0, 0, 0, 0]);

    fn value(&self, factor: &str) -> &'static str {
        let found = FACTORS.iter().zip(self.0).find(|((name, _), _)| *name == factor);
        found.map_or("", |((_, values), index)| values[index])
    }

    /// Returns `o3-off-16-lld`, followed by every other value that is not ordinary.
    pub(crate) fn name(&self) -> String {
        let mut name = format!(
            "o{}-{}-{}-{}",
            self.value("opt-level"),
            self.value("lto"),
            self.value("codegen-units"),
            self.value("linker")
        );
        for factor in MENTIONED {
            let value = self.value(factor);
            let is_ordinary = FACTORS.iter().any(|(name, v)| *name == factor && v[0] == value);
            if !is_ordinary {
                name += "-";
                name += if factor == "strip" { "stripped" } else { value };
            }
        }
        name
    }

    pub(crate) fn is_linked_by_mold(&self) -> bool {
        self.value("linker") == "mold"
    }

    pub(crate) fn is_stripped(&self) -> bool {
        self.value("strip") == "symbols"
    }

    /// Returns the profile, as cargo's environment variables.
    pub(crate) fn profile(&self) -> [(&'static str, &'static str); 5] {
        [
            ("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.value("opt-level")),
            ("CARGO_PROFILE_RELEASE_LTO", self.value("lto")),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", self.value("codegen-units")),
            ("CARGO_PROFILE_RELEASE_PANIC", self.value("panic")),
            // Otherwise cargo strips debug information, and mold cannot then keep relocations.
            ("CARGO_PROFILE_RELEASE_STRIP", "none"),
        ]
    }

    /// Returns whether the compiler is told to align calls, and to call trampolines directly.
    pub(crate) fn has_flags(&self) -> bool {
        self.value("flags") == "set"
    }

    /// Returns the workspace's own flags, unless the cell is without, and those of the cell.
    pub(crate) fn flags(&self) -> Result<Vec<String>> {
        let mut flags = if self.has_flags() { workspace_flags()? } else { Vec::new() };
        let mut add = |flag: &str| flags.push(flag.to_owned());
        // rustc brings lld and uses it unless told otherwise.
        if self.value("linker") != "lld" {
            add("-Clinker-features=-lld");
        }
        if self.value("driver") == "clang" {
            add("-Clinker=clang");
        }
        match self.value("mode") {
            "static-pie" => add("-Ctarget-feature=+crt-static"),
            "static" => add("-Crelocation-model=static"),
            _ => {}
        }
        Ok(flags)
    }
}

/// Returns the flags in .cargo/config.toml: its strings that begin with `-C`.
pub(crate) fn workspace_flags() -> Result<Vec<String>> {
    let path = root().join(".cargo/config.toml");
    let text = fs::read_to_string(&path)?;
    let strings = text.lines().filter_map(|line| line.split('"').nth(1));
    let flags: Vec<_> = strings.filter(|s| s.starts_with("-C")).map(str::to_owned).collect();
    if flags.is_empty() {
        Err(format!("{} has no flags", path.display()).into())
    } else {
        Ok(flags)
    }
}

/// Returns all combinations of the first factors, then cells that cover all pairs of all factors.
pub(crate) fn all() -> Vec<Cell> {
    let mut cells = vec![Cell::ORDINARY];
    for (factor, (_, values)) in FACTORS.iter().enumerate().take(FULL) {
        let others = (1..values.len()).flat_map(|v| cells.iter().map(move |c| with(*c, factor, v)));
        let others: Vec<_> = others.collect();
        cells.extend(others);
    }
    for cell in pairwise() {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

fn with(mut cell: Cell, factor: usize, value: usize) -> Cell {
    cell.0[factor] = value;
    cell
}

/// Returns cells in which every pair of values of two factors occurs. Greedy: each cell is the best
/// of some random ones.
pub(crate) fn pairwise() -> Vec<Cell> {
    let mut open = Vec::new();
    for (f, (_, values)) in FACTORS.iter().enumerate() {
        for (g, (_, others)) in FACTORS.iter().enumerate().skip(f + 1) {
            open.extend(
                (0..values.len()).flat_map(|v| (0..others.len()).map(move |w| (f, v, g, w))),
            );
        }
    }
    let mut random = Random(1);
    let mut cells = Vec::new();
    while let Some((f, v, g, w)) = open.first().copied() {
        let meets = |c: &Cell, p: &(usize, usize, usize, usize)| c.0[p.0] == p.1 && c.0[p.2] == p.3;
        let candidates = (0..200).map(|_| {
            let any = Cell(std::array::from_fn(|i| random.below(FACTORS[i].1.len())));
            with(with(any, f, v), g, w)
        });
        let covered = |c: &Cell| open.iter().filter(|p| meets(c, p)).count();
        let Some(best) = candidates.max_by_key(covered) else { break };
        open.retain(|p| !meets(&best, p));
        cells.push(best);
    }
    cells
}

/// Returns the cells that continuous integration has time for: every value of every factor, except
/// some opt-levels.
pub(crate) fn quick() -> Vec<Cell> {
    vec![
        Cell::ORDINARY,
        Cell::NO_FLAGS,
        Cell([3, 0, 0, 1, 1, 1, 0, 0, 0]),
        // Not stripped: that takes two more links, which are slow with fat LTO.
        Cell([1, 2, 1, 0, 2, 0, 1, 0, 1]),
        Cell([4, 1, 1, 1, 1, 0, 0, 1, 2]),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Cell, FACTORS, all, pairwise, quick};

    #[test]
    fn every_pair_of_values_occurs() {
        let cells = pairwise();
        assert!(cells.len() <= 24, "{} cells", cells.len());
        for (f, (_, values)) in FACTORS.iter().enumerate() {
            for (g, (_, others)) in FACTORS.iter().enumerate().filter(|(g, _)| *g != f) {
                for v in 0..values.len() {
                    for w in 0..others.len() {
                        assert!(
                            cells.iter().any(|c| c.0[f] == v && c.0[g] == w),
                            "{f} {v} {g} {w}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_different() {
        let mut names: Vec<_> = all().iter().map(Cell::name).collect();
        assert!(names.len() >= 72 + 18);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all().len());
        assert_eq!(Cell::ORDINARY.name(), "o3-off-16-lld");
    }

    #[test]
    fn quick_cells_have_every_value_except_of_opt_level() {
        for (f, (_, values)) in FACTORS.iter().enumerate().skip(1) {
            for v in 0..values.len() {
                assert!(quick().iter().any(|c| c.0[f] == v), "{} {}", FACTORS[f].0, values[v]);
            }
        }
    }
}
