//! Reports: what the image contains and how it is called now, for people and for programs.

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

/// A report of every key, site and call instruction of the image, with each path and its reason.
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
/// A report is a snapshot: all of it was true at one moment between two updates. `Display` prints
/// it as a table whose last line is `static-call: K keys, S sites, C calls: I inline, T trampoline,
/// X indirect`, with `1 key`, `1 site` and `1 call` in the singular.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The keys, in link order.
    pub keys: Vec<KeyReport>,
    /// Sites whose key is not known: every `call!`, where nothing is patched.
    pub other_sites: Vec<SiteReport>,
    /// Number of `call!`s in the source whose code the linker dropped.
    pub dead_sites: usize,
    /// Pages of memory (4 KiB each) with veneers, through which calls are retargeted in steps.
    pub veneer_pages: usize,
    /// Whether updates write through an alias, so that code is never writable where it is executed
    /// ([`init_aliased`](crate::init_aliased)).
    pub aliased: bool,
    /// Problems with the image, the environment or the system.
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
    /// Name of the function; for a method, with its type.
    pub name: &'static str,
    /// Module of the declaration.
    pub module: &'static str,
    /// Source file of the declaration.
    pub file: &'static str,
    /// Line of the declaration, from 1.
    pub line: u32,
    /// Column of the declaration, from 1.
    pub column: u32,
    /// The signature as written.
    pub signature: &'static str,
    /// Whether the key is a flag: its target is named `on` or `off`, and its sites are jump labels.
    pub is_flag: bool,
    /// The key's current target.
    pub target: Target,
    /// Whether the key's call instructions reach its target without the slot.
    pub bound: bool,
    /// The key's sites, plain calls first.
    pub sites: Vec<SiteReport>,
}

/// A site of a [`Report`]: one `call!`, or all plain calls of a key.
///
/// A `call!` has the position of its macro. Plain calls are ordinary code that no macro sees, so
/// their site has the position of the key's declaration. [`CallReport::function`] says where each
/// of them is.
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
    /// Source file; for plain calls, that of the key's declaration.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Whether these are the plain calls of the key, not a `call!`.
    pub is_plain: bool,
    /// The site's call instructions. One site can have many (inlining, unrolling, monomorphisation)
    /// or none. In an image that was not verified there is one for each of the site's trampolines,
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
///     assert_eq!(call.steps, call.grade.is_some_and(Grade::takes_steps));
///     println!("{} in {}", call.path, call.function.unwrap_or("an unknown function"));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallReport {
    /// Address of the instruction's first byte. If the instruction is not known, the address of the
    /// trampoline; where nothing is patched, 0.
    pub address: usize,
    /// Kind of the instruction, if the image was verified.
    pub kind: Option<Kind>,
    /// What the instruction's bytes allow, if the image was verified.
    pub grade: Option<Grade>,
    /// Whether an update retargets the instruction in steps, with up to three barriers: its
    /// displacement crosses an 8-byte boundary. The call itself costs the same.
    pub steps: bool,
    /// How the instruction reaches its target now.
    pub path: Path,
    /// Why the instruction is not inline.
    pub reason: Option<Reason>,
    /// The function around the instruction, as `cargo static-call verify` names it: demangled, and
    /// without the compiler's hash. It is the function whose code holds the instruction, not one
    /// that was inlined into it.
    ///
    /// The link hook reserves room for the names, which the verifier fills in. `None` if this name
    /// did not fit, if the image was not verified or was linked without symbols (`strip = true`),
    /// and if the setting [`names = false`](crate::guide::verifier) reserves no room.
    pub function: Option<&'static str>,
}

impl CallReport {
    /// Returns a call of which only is known that it goes through the slot.
    pub(crate) fn unlisted(reason: Option<Reason>) -> Self {
        Self {
            address: 0,
            kind: None,
            grade: None,
            steps: false,
            path: Path::Indirect,
            reason,
            function: None,
        }
    }
}

/// A problem, and its consequence.
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
    /// Its address in memory, if it has one.
    pub address: Option<usize>,
    /// The problem and its consequence.
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
    /// Call instructions and jump labels. Instructions that only hold the address of a trampoline
    /// are not counted.
    pub calls: usize,
    /// Calls that reach their target directly.
    pub inline: usize,
    /// Calls that go through a patched trampoline.
    pub trampoline: usize,
    /// Calls that go through the slot.
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
    /// Returns an empty report that says why the keys cannot be read.
    pub(crate) fn refused(error: UpdateError) -> Self {
        Self {
            keys: Vec::new(),
            other_sites: Vec::new(),
            dead_sites: 0,
            veneer_pages: 0,
            aliased: false,
            problems: vec![Problem { address: None, message: error.to_string() }],
        }
    }

    /// Returns the sums, which the last line of the text shows.
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
                // An instruction that holds an address is not a call: any number of calls may use
                // the address.
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

    /// Returns every site, including those whose key is not known.
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
    fn an_instruction_that_holds_an_address_is_not_a_call() {
        let call = |kind, path| CallReport {
            address: 1,
            kind,
            grade: None,
            steps: false,
            path,
            reason: None,
            function: None,
        };
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
            veneer_pages: 0,
            aliased: false,
            problems: Vec::new(),
        };
        let text = "static-call: 0 keys, 1 site, 3 calls: 2 inline, 1 trampoline, 0 indirect";
        assert_eq!(std::format!("{}", report.totals()), text);
    }
}
