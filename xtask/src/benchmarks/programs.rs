//! The measured programs and their workloads, which are chosen before anything is built.

use super::Options;
use super::costs::{LINK_TIME, SIZE};
use crate::run::Result;

/// A measured program.
pub(super) struct Program {
    /// The name of its package.
    pub(super) name: &'static str,
    /// The names of its workloads, in the order in which it lists them.
    workloads: &'static [&'static str],
}

pub(super) const CALLS: Program = Program {
    name: "calls",
    workloads: &[
        "one site, a chain",
        "one site, independent calls",
        "eight arguments",
        "64 bytes returned",
        "a method in generic code",
        "a tail call",
        "1,000 keys, 4,000 sites",
        "64 keys, 4,096 sites",
        "0.25 MB touched",
        "1 MB touched",
        "8 MB touched",
        "40 MB touched",
        "another program on the core",
    ],
};
/// A program of its own: the compiler would need too much memory for its workload in `calls`.
pub(super) const WIDE: Program = Program { name: "wide", workloads: &["1,024 keys, 65,536 sites"] };
pub(super) const OFF: Program = Program {
    name: "off",
    workloads: &[
        "0.25 MB touched",
        "1 MB touched",
        "8 MB touched",
        "40 MB touched",
        "hot, no arguments",
        "hot, a cheap argument",
        "hot, an expensive argument",
    ],
};
/// The same program, built to compare the forms of a label.
pub(super) const FORMS: Program = Program {
    name: "off",
    workloads: &["0.25 MB touched", "1 MB touched", "8 MB touched", "40 MB touched"],
};
pub(super) const SWITCHING: Program = Program {
    name: "switching",
    workloads: &[
        "a key with 1 call, idle",
        "a key with 1 call, every core executes them",
        "a key with 10 calls, idle",
        "a key with 10 calls, every core executes them",
        "a key with 1000 calls, idle",
        "a key with 1000 calls, every core executes them",
        "a key with 100000 calls, idle",
        "a key with 100000 calls, every core executes them",
        "10000 keys with a call each, idle",
        "10000 keys with a call each, every core executes them",
        "the longest gap that a calling thread sees",
        "the gap that 99.99 % are below",
    ],
};
pub(super) const REQUESTS: Program = Program {
    name: "requests",
    workloads: &["a request, 100 hooks off", "a request, 500 hooks off"],
};

const ALL: [&Program; 6] = [&CALLS, &WIDE, &OFF, &FORMS, &SWITCHING, &REQUESTS];

impl Program {
    /// Returns those of its workloads that are to be measured.
    pub(super) fn wanted(&self, options: &Options) -> Vec<&'static str> {
        self.workloads.iter().copied().filter(|name| options.wants(name)).collect()
    }

    /// Checks that the built program has exactly these workloads.
    ///
    /// # Errors
    ///
    /// It lists others.
    pub(super) fn check<'a>(&self, listed: impl Iterator<Item = &'a str>) -> Result {
        let listed: Vec<_> = listed.collect();
        if listed == self.workloads {
            return Ok(());
        }
        let (name, known) = (self.name, self.workloads);
        Err(format!("`{name}` lists the workloads {listed:?}; {} has {known:?}", file!()).into())
    }
}

/// Checks that something is to be measured.
///
/// # Errors
///
/// No workload has such a name; the error lists those that exist.
pub(super) fn check_wanted(options: &Options) -> Result {
    let mut known: Vec<_> = ALL.iter().flat_map(|program| program.workloads).copied().collect();
    known.extend([SIZE, LINK_TIME]);
    if known.iter().any(|name| options.wants(name)) {
        return Ok(());
    }
    let mut unique = Vec::new();
    for name in known {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    let (wanted, names) = (&options.workload, unique.join("\n  "));
    Err(format!("no workload has `{wanted}` in its name; there are\n  {names}").into())
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::{ALL, CALLS, REQUESTS};

    fn parse(workload: &str) -> Result<Options, String> {
        Options::parse(&["--workload".to_owned(), workload.to_owned()]).map_err(|e| e.to_string())
    }

    fn programs(workload: &str) -> Vec<&'static str> {
        let options = parse(workload).unwrap();
        ALL.iter().filter(|p| !p.wanted(&options).is_empty()).map(|p| p.name).collect()
    }

    #[test]
    fn a_workload_needs_only_the_programs_that_have_it() {
        assert_eq!(programs("65,536"), ["wide"]);
        assert_eq!(programs("8 MB touched"), ["calls", "off", "off"]);
        assert_eq!(programs("Link time"), [""; 0]);
        assert_eq!(programs(""), ["calls", "wide", "off", "off", "switching", "requests"]);
    }

    #[test]
    fn an_unknown_workload_is_an_error_that_lists_all() {
        let error = parse("nothing like it").err().unwrap();
        for known in ["a tail call", "65,536 sites", "hot, no", "100 hooks", "Size", "Link time"] {
            assert!(error.contains(known), "{known}: {error}");
        }
        assert_eq!(error.matches("0.25 MB touched").count(), 1);
    }

    #[test]
    fn a_program_with_other_workloads_is_an_error() {
        REQUESTS.check(REQUESTS.workloads.iter().copied()).unwrap();
        for other in [&CALLS.workloads[..3], &[]] {
            let error = CALLS.check(other.iter().copied()).unwrap_err().to_string();
            assert!(error.contains("`calls` lists") && error.contains("a tail call"), "{error}");
        }
    }
}
