//! The report as text for a person.

use core::fmt::{self, Display, Formatter};
use std::format;
use std::string::String;

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
        for (call, times) in runs(&site.calls) {
            let kind = kind(call);
            let why = call.reason.map_or(String::new(), |reason| format!("  {reason}"));
            writeln!(
                f,
                "    {form:<5}  {place:<width$}  {:<10}  {times:>4} x {kind}{why}",
                call.path
            )?;
        }
    }
    Ok(())
}

fn runs(calls: &[CallReport]) -> impl Iterator<Item = (&CallReport, usize)> {
    let look = |c: &CallReport| (c.path, c.reason, c.kind, c.grade);
    calls
        .iter()
        .enumerate()
        .filter(move |(i, call)| calls[..*i].iter().all(|before| look(before) != look(call)))
        .map(move |(_, call)| {
            (call, calls.iter().filter(|other| look(other) == look(call)).count())
        })
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
