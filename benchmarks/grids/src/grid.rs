//! Workloads of many keys and many call sites.

use std::fmt::{self, Write as _};
use std::path::Path;

use crate::random::Random;
use crate::way::Way;

/// Keys, and calls of them in functions of a few calls each. Each way has a module of its own with
/// the same keys and the same calls.
pub struct Grid {
    /// Its workload's name.
    pub name: &'static str,
    /// Another number than that of every other grid of the program, below 512. Constants in its
    /// functions contain it. The compiler would merge equal functions of two grids, and calls of
    /// one would lead to pages of the other.
    pub number: usize,
    /// Functions that are called.
    pub keys: usize,
    /// Call sites.
    pub sites: usize,
    /// Call sites in a function.
    pub run: usize,
    /// Whether a request calls one of these functions, instead of a pass that calls all; then each
    /// slot is in a cache line with other data.
    pub requests: bool,
    /// The ways to call. The first is what others are compared with.
    pub ways: Vec<Way>,
}

impl Grid {
    /// Returns the name of its module.
    pub(crate) fn module(&self) -> String {
        let digits =
            |c: char| if c.is_ascii_alphanumeric() { Some(c) } else { (c == ' ').then_some('_') };
        format!("grid_{}", self.name.chars().filter_map(digits).collect::<String>())
    }

    /// Returns the ways to measure: all, or those that the way of building concerns.
    fn ways(&self) -> impl Iterator<Item = Way> {
        let few = std::env::var_os("CARGO_FEATURE_FEW").is_some();
        self.ways
            .iter()
            .copied()
            .filter(move |way| !few || matches!(way, Way::Direct | Way::Again | Way::Static))
    }

    /// Returns its modules, one for each way.
    pub(crate) fn source(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        for way in self.ways() {
            writeln!(text, "pub(crate) mod {} {{\n{}", way.module(), way.head(self))?;
            for key in 0..self.keys {
                text += &way.key(self, key);
            }
            text += &way.foot(self);
            let mut random = Random(1);
            let mut keys = random.keys(self.keys, self.sites).into_iter();
            let runs = self.sites / self.run;
            let (parameter, argument) = way.context();
            for run in 0..runs {
                write!(text, "#[inline(never)]\nfn c{run}({parameter}mut x: u64) -> u64 {{\n")?;
                for key in keys.by_ref().take(self.run) {
                    // Of different lengths, so that calls lie everywhere in a cache line.
                    match random.below(4) {
                        0 => text += "    x ^= 0x5bd1e9;\n",
                        1 => text += "    x ^= 0x5b;\n",
                        _ => {}
                    }
                    writeln!(text, "    x = {};", way.call(self, key))?;
                }
                text += "    x\n}\n";
            }
            text += "pub(crate) fn pass(mut x: u64) -> u64 {\n";
            text += way.context_of_pass();
            for run in 0..runs {
                writeln!(text, "    x = c{run}({argument}x);")?;
            }
            text += "    x\n}\n";
            text += "pub(crate) fn request(number: u64, x: u64) -> u64 {\n";
            text += way.context_of_pass();
            writeln!(text, "    match number % {runs} {{")?;
            for run in 1..runs {
                writeln!(text, "        {run} => c{run}({argument}x),")?;
            }
            writeln!(text, "        _ => c0({argument}x),\n    }}\n}}\n}}")?;
        }
        Ok(text)
    }

    /// Returns the declaration of its module.
    pub(crate) fn declaration(&self, dir: &Path) -> String {
        let path = dir.join(format!("{}.rs", self.module()));
        format!("#[path = {path:?}]\nmod {};\n", self.module())
    }
}

/// Returns the list of all grids.
pub(crate) fn list(grids: &[Grid]) -> String {
    let mut text = String::from("pub(crate) const GRIDS: &[Grid] = &[\n");
    for grid in grids {
        let (name, module) = (grid.name, grid.module());
        let (pass, request, requests) = (grid.sites, grid.run, grid.requests);
        text += &format!(
            "    Grid {{ name: {name:?}, pass: {pass}, request: {request}, \
             requests: {requests}, ways: &[\n"
        );
        for way in grid.ways() {
            let (own, name) = (way.module(), way.name());
            text += &format!(
                "        GridWay {{ name: {name:?}, prepare: {module}::{own}::prepare, \
                 pass: {module}::{own}::pass, request: {module}::{own}::request }},\n"
            );
        }
        text += "    ] },\n";
    }
    text += "];\n/// Makes every static call reach its other target.\n\
             pub(crate) fn switch() -> Result<(), static_call::UpdateError> {\n";
    for grid in grids {
        text += &format!("    {}::{}::switch()?;\n", grid.module(), Way::Static.module());
    }
    text += "    Ok(())\n}\n";
    text
}
