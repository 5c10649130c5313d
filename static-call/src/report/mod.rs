//! What there is in the image and how it is called now: for people and for programs.

#[cfg(feature = "serde")]
mod data;
mod text;

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use crate::error::UpdateError;
use crate::layout::{Grade, Kind};
use crate::path::{Path, Reason};
use crate::record::KeyRecord;
use crate::target::Target;

/// Every key, site and call instruction of the image, each with its path and why.
///
/// # Examples
///
/// ```
/// use static_call::static_call;
///
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// level::update(|| 2)?;
/// let report = static_call::report();
/// assert!(report.keys.iter().any(|key| key.name == "level" && !key.target.is_default()));
/// println!("{report}");
/// # Ok::<(), static_call::UpdateError>(())
/// ```
///
/// A snapshot: all of it was true at one moment between two updates. `Display` makes a table of
/// it whose last line is `static-call: K keys, S sites, C calls: I inline, T trampoline, X
/// indirect`, with `1 key`, `1 site` and `1 call` in the singular.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The keys, in the order of the link.
    pub keys: Vec<KeyReport>,
    /// Sites whose key is not known: every `call!`, where nothing is patched.
    pub other_sites: Vec<SiteReport>,
    /// `call!`s of the source whose code the linker dropped.
    pub dead_sites: usize,
    /// What is wrong with the image, the environment or the system.
    pub problems: Vec<Problem>,
}

/// A key of a [`Report`].
///
/// # Examples
///
/// ```
/// # use static_call::static_call;
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// for key in static_call::report().keys {
///     println!("{}::{} of {}:{}: {}", key.module, key.name, key.file, key.line, key.signature);
/// }
/// # level();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeyReport {
    /// Name of the function, with its type for a method.
    pub name: &'static str,
    /// Its module.
    pub module: &'static str,
    /// Source file of its declaration.
    pub file: &'static str,
    /// Line of its declaration, from 1.
    pub line: u32,
    /// Column of its declaration, from 1.
    pub column: u32,
    /// Its signature as written.
    pub signature: &'static str,
    /// Whether it is a flag: its target is called `on` or `off`, and its sites are jump labels.
    pub is_flag: bool,
    /// What it calls.
    pub target: Target,
    /// Whether its call instructions follow its target without the slot.
    pub bound: bool,
    /// Its sites, the plain calls first.
    pub sites: Vec<SiteReport>,
}

/// A site of a [`Report`]: one `call!`, or all plain calls of a key.
///
/// # Examples
///
/// ```
/// # use static_call::{call, static_call};
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// assert_eq!(call!(level()), 1);
/// let report = static_call::report();
/// let site = report.sites().find(|site| !site.is_plain).unwrap();
/// println!("{}:{}:{}: {} instructions", site.file, site.line, site.column, site.calls.len());
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SiteReport {
    /// Source file; that of the key's declaration for plain calls.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// These are the plain calls of the key, not a `call!`.
    pub is_plain: bool,
    /// Its call instructions. One site can have many (inlining, unrolling, monomorphisation) or
    /// none. In an image that was not verified there is one for each of the site's trampolines,
    /// with neither kind nor grade.
    pub calls: Vec<CallReport>,
}

/// A call instruction of a [`Report`].
///
/// # Examples
///
/// ```
/// use static_call::{Grade, Path};
///
/// let report = static_call::report();
/// for call in report.sites().flat_map(|site| &site.calls) {
///     assert!(call.path != Path::Inline || call.grade.is_some_and(Grade::is_patchable));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallReport {
    /// Address of its first byte; of the trampoline where the instruction is not known; 0 where
    /// nothing is patched.
    pub address: usize,
    /// What it is, if the verifier has seen it.
    pub kind: Option<Kind>,
    /// What its bytes allow, if the verifier has seen it.
    pub grade: Option<Grade>,
    /// How it gets to its target now.
    pub path: Path,
    /// Why it is not inline.
    pub reason: Option<Reason>,
}

/// Something that is wrong, and what follows from it.
///
/// # Examples
///
/// ```
/// for problem in static_call::report().problems {
///     eprintln!("{}", problem.message);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Problem {
    /// Where in memory, if it has a place.
    pub address: Option<usize>,
    /// What, and what follows.
    pub message: String,
}

/// The sums of a [`Report`].
///
/// # Examples
///
/// ```
/// let totals = static_call::report().totals();
/// assert_eq!(totals.calls, totals.inline + totals.trampoline + totals.indirect);
/// println!("{totals}");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Totals {
    /// Keys.
    pub keys: usize,
    /// Live sites.
    pub sites: usize,
    /// Call instructions and jump labels; not what only holds the address of a trampoline.
    pub calls: usize,
    /// Those that reach their target directly.
    pub inline: usize,
    /// Those that go through a patched trampoline.
    pub trampoline: usize,
    /// Those that go through the slot.
    pub indirect: usize,
}

impl KeyReport {
    /// Describes a key.
    pub(crate) fn new(
        record: &'static KeyRecord,
        target: Target,
        bound: bool,
        sites: Vec<SiteReport>,
    ) -> Self {
        let (module, file, line, column) = record.place();
        Self {
            name: record.name(),
            module,
            file,
            line,
            column,
            signature: record.signature(),
            is_flag: record.has(KeyRecord::IS_FLAG),
            target,
            bound,
            sites,
        }
    }
}

impl Report {
    /// A report of nothing, because the keys cannot be looked at.
    pub(crate) fn refused(error: UpdateError) -> Self {
        Self {
            keys: Vec::new(),
            other_sites: Vec::new(),
            dead_sites: 0,
            problems: vec![Problem { address: None, message: error.to_string() }],
        }
    }

    /// Returns the sums: what the last line of the text says.
    ///
    /// # Examples
    ///
    /// ```
    /// let report = static_call::report();
    /// assert!(report.to_string().ends_with(&report.totals().to_string()));
    /// ```
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { keys: self.keys.len(), ..Totals::default() };
        for site in self.sites() {
            totals.sites += 1;
            for call in &site.calls {
                // What holds an address is not a call: nobody knows how many calls it makes.
                if matches!(call.kind, Some(Kind::Register | Kind::AddressTaken)) {
                    continue;
                }
                totals.calls += 1;
                match call.path {
                    Path::Inline => totals.inline += 1,
                    Path::Trampoline => totals.trampoline += 1,
                    Path::Indirect => totals.indirect += 1,
                }
            }
        }
        totals
    }

    /// Returns every site, of all keys and of none.
    ///
    /// # Examples
    ///
    /// ```
    /// let report = static_call::report();
    /// assert_eq!(report.sites().count(), report.totals().sites);
    /// ```
    pub fn sites(&self) -> impl Iterator<Item = &SiteReport> {
        self.keys.iter().flat_map(|key| &key.sites).chain(&self.other_sites)
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_an_address_is_no_call() {
        let call = |kind, path| CallReport { address: 1, kind, grade: None, path, reason: None };
        let calls = std::vec![
            call(Some(Kind::Call), Path::Inline),
            call(Some(Kind::Label), Path::Inline),
            call(None, Path::Trampoline),
            call(Some(Kind::Register), Path::Trampoline),
            call(Some(Kind::AddressTaken), Path::Trampoline),
        ];
        let site = SiteReport { file: "a.rs", line: 1, column: 1, is_plain: true, calls };
        let report = Report {
            keys: Vec::new(),
            other_sites: std::vec![site],
            dead_sites: 0,
            problems: Vec::new(),
        };
        let text = "static-call: 0 keys, 1 site, 3 calls: 2 inline, 1 trampoline, 0 indirect";
        assert_eq!(std::format!("{}", report.totals()), text);
    }
}
