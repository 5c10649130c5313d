//! The report as text for a person.

use core::fmt::{self, Display, Formatter};
use std::collections::HashMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::{CallReport, KeyReport, Report, SiteReport, Totals};
use crate::layout::{Grade, Kind};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.sites().map(|site| place(site).len()).max().unwrap_or(0);
        for key in &self.keys {
            write_key(f, key, width)?;
        }
        if !self.other_sites.is_empty() {
            writeln!(f, "call! sites")?;
            write_sites(f, &self.other_sites, width)?;
        }
        if self.dead_sites > 0 {
            writeln!(f, "{} call! of the source left no code in the image", self.dead_sites)?;
        }
        match self.veneer_pages {
            0 => {}
            1 => writeln!(f, "1 page of memory holds veneers, for calls retargeted in steps")?,
            n => writeln!(f, "{n} pages of memory hold veneers, for calls retargeted in steps")?,
        }
        if self.aliased {
            writeln!(
                f,
                "updates write through an alias: code is not writable where it is executed"
            )?;
        }
        for problem in &self.problems {
            match problem.address {
                Some(address) => writeln!(f, "problem at {address:#x}: {}", problem.message)?,
                None => writeln!(f, "problem: {}", problem.message)?,
            }
        }
        write!(f, "{}", self.totals())
    }
}

impl Display for Totals {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { keys, sites, calls, inline, trampoline, indirect } = self;
        let s = |count: &usize| if *count == 1 { "" } else { "s" };
        write!(
            f,
            "static-call: {keys} key{}, {sites} site{}, {calls} call{}: {inline} inline, \
             {trampoline} trampoline, {indirect} indirect",
            s(keys),
            s(sites),
            s(calls)
        )
    }
}

fn write_key(f: &mut Formatter<'_>, key: &KeyReport, width: usize) -> fmt::Result {
    writeln!(f, "{}::{}  ({}:{})", key.module, key.name, key.file, key.line)?;
    writeln!(f, "  {}", key.signature)?;
    let which = match (key.target.is_default(), key.target.features()) {
        (true, None) => " (default)".into(),
        (true, Some(features)) => format!(" (default, chosen for {features})"),
        (false, None) => String::new(),
        (false, Some(features)) => format!(" (forced, for {features})"),
    };
    match key.is_flag {
        true => writeln!(f, "  is {}{which}", key.target.name())?,
        false => {
            writeln!(f, "  calls {}{which} at {:#x}", key.target.name(), key.target.address())?;
        }
    }
    write_sites(f, &key.sites, width)
}

fn place(site: &SiteReport) -> String {
    format!("{}:{}:{}", site.file, site.line, site.column)
}

/// Writes one row for each call instruction, with places in `width` columns. Equal rows of one site
/// are merged and counted.
fn write_sites(f: &mut Formatter<'_>, sites: &[SiteReport], width: usize) -> fmt::Result {
    for site in sites {
        let place = place(site);
        let form = if site.is_plain { "plain" } else { "call!" };
        if site.calls.is_empty() {
            writeln!(f, "    {form:<5}  {place:<width$}  no call instruction found")?;
        }
        for (call, times) in rows(&site.calls) {
            let kind = kind(call);
            write!(f, "    {form:<5}  {place:<width$}  {:<10}  {times:>4} x {kind}", call.path)?;
            match (call.function, call.reason) {
                (Some(function), Some(reason)) => writeln!(f, "  in {function}: {reason}")?,
                (Some(function), None) => writeln!(f, "  in {function}")?,
                (None, Some(reason)) => writeln!(f, "  {reason}")?,
                (None, None) => writeln!(f)?,
            }
        }
    }
    Ok(())
}

/// Returns the calls that look different, with their numbers. Those of one function follow each
/// other.
fn rows(calls: &[CallReport]) -> Vec<(&CallReport, usize)> {
    let mut functions = HashMap::new();
    let mut places = HashMap::new();
    let mut rows: Vec<(usize, &CallReport, usize)> = Vec::new();
    for call in calls {
        let next = functions.len();
        let order = *functions.entry(call.function).or_insert(next);
        let look = (order, call.path, call.reason, call.kind, call.grade);
        let row = *places.entry(look).or_insert(rows.len());
        match rows.get_mut(row) {
            Some((.., times)) => *times += 1,
            None => rows.push((order, call, 1)),
        }
    }
    rows.sort_by_key(|&(order, ..)| order);
    rows.into_iter().map(|(_, call, times)| (call, times)).collect()
}

fn kind(call: &CallReport) -> String {
    let (Some(kind), Some(grade)) = (call.kind, call.grade) else { return "call".into() };
    let kind = match kind {
        Kind::Call => "call",
        Kind::Jmp => "tail call (jmp)",
        Kind::Jcc => "tail call (jcc)",
        Kind::CallGot => "call through GOT",
        Kind::JmpGot => "jmp through GOT",
        Kind::Register => "address in a register",
        Kind::AddressTaken => "address taken",
        Kind::Label => "jump label",
    };
    match grade {
        Grade::None => kind.into(),
        Grade::Quad => format!("{kind}, grade quad"),
        Grade::Disp => format!("{kind}, grade disp"),
        Grade::Line => format!("{kind}, grade line, in steps"),
        Grade::Straddle => format!("{kind}, grade straddle, in steps"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Path, Reason};

    #[test]
    fn rows_are_merged_and_grouped_by_function() {
        let call = |function, kind, reason: Option<Reason>| CallReport {
            address: 1,
            kind: Some(kind),
            grade: Some(if reason.is_some() { Grade::Line } else { Grade::Quad }),
            steps: reason.is_some(),
            path: if reason.is_some() { Path::Trampoline } else { Path::Inline },
            reason,
            function,
        };
        let (a, b) = (Some("app::a"), Some("<app::B as app::C>::d"));
        let calls = std::vec![
            call(a, Kind::Call, None),
            call(b, Kind::Call, None),
            call(a, Kind::Call, None),
            call(None, Kind::Call, Some(Reason::TooFar)),
            call(a, Kind::Label, None),
            call(b, Kind::Jmp, Some(Reason::TooFar)),
            call(None, Kind::Call, None),
            call(a, Kind::Call, None),
        ];
        let site = SiteReport { file: "a.rs", line: 1, column: 2, is_plain: true, calls };
        let report = Report {
            keys: Vec::new(),
            other_sites: std::vec![site],
            dead_sites: 0,
            veneer_pages: 2,
            aliased: true,
            problems: Vec::new(),
        };
        let expected = "\
call! sites
    plain  a.rs:1:2  inline         3 x call, grade quad  in app::a
    plain  a.rs:1:2  inline         1 x jump label, grade quad  in app::a
    plain  a.rs:1:2  inline         1 x call, grade quad  in <app::B as app::C>::d
    plain  a.rs:1:2  trampoline     1 x tail call (jmp), grade line, in steps  \
            in <app::B as app::C>::d: target more than 2 GiB away
    plain  a.rs:1:2  trampoline     1 x call, grade line, in steps  target more than 2 GiB away
    plain  a.rs:1:2  inline         1 x call, grade quad
2 pages of memory hold veneers, for calls retargeted in steps
updates write through an alias: code is not writable where it is executed
static-call: 0 keys, 1 site, 8 calls: 6 inline, 2 trampoline, 0 indirect";
        assert_eq!(format!("{report}"), expected);
    }
}
