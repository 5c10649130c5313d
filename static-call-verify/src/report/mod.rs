//! The results of a verification, as plain data. The text form is [`Report`]'s `Display`.

mod reason;

use std::fmt;

pub use crate::compiled::Compiled;
pub use reason::Reason;
pub use static_call::layout::{Grade, Kind, Polarity, SiteId};

use crate::policy::{FindingKey, Level};

/// The results of verifying one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The image itself.
    pub image: ImageInfo,
    /// The keys, in the order of the image.
    pub keys: Vec<Key>,
    /// The sites (`call!`), dead ones included, in the order of the image.
    pub sites: Vec<Site>,
    /// The trampolines, by address.
    pub trampolines: Vec<Trampoline>,
    /// Everything that names a trampoline, by address.
    pub calls: Vec<Call>,
    /// The jump labels of hooks and flags, by address.
    pub labels: Vec<Label>,
    /// What the policy does not allow, by severity (worst first), key and address.
    pub findings: Vec<Finding>,
    /// Totals.
    pub summary: Summary,
}

impl Report {
    /// Returns the findings that fail the build.
    pub fn denied(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Level::Deny)
    }

    /// Returns why the program does not rewrite a call in place: the call's own reason, or the
    /// table's.
    #[must_use]
    pub fn reason(&self, call: &Call) -> Option<Reason> {
        let of_table = || self.image.table.why_unused().filter(|_| !call.listed);
        call.reason.or_else(of_table)
    }
}

/// Facts about an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageInfo {
    /// What kind of file it is.
    pub kind: ImageKind,
    /// Bytes of machine code.
    pub code: u64,
    /// Whether it has symbols for its functions.
    pub has_symbols: bool,
    /// Whether it has an unwind table.
    pub has_unwind_table: bool,
    /// Whether it has line tables of its own.
    pub has_debug_info: bool,
    /// The GNU build id, as it is in the image. Stamping does not change it.
    pub build_id: Vec<u8>,
    /// The table for the runtime.
    pub table: TableState,
    /// How it was compiled, if the link hook has recorded it.
    pub compiled: Option<Compiled>,
}

/// What kind of file an image is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageKind {
    /// A file that the verifier does not read.
    #[default]
    Unsupported,
    /// An executable at fixed addresses.
    Executable,
    /// A position-independent executable.
    PositionIndependentExecutable,
    /// A shared object.
    SharedObject,
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "unsupported file",
            Self::Executable => "executable at fixed addresses",
            Self::PositionIndependentExecutable => "position-independent executable",
            Self::SharedObject => "shared object",
        })
    }
}

/// The table for the runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableState {
    /// The image has no table.
    #[default]
    Absent,
    /// The table has room for `capacity` entries and is not filled.
    Empty {
        /// Number of entries.
        capacity: u32,
    },
    /// The table is filled, and right for this image.
    Filled {
        /// Number of entries in use.
        count: u32,
        /// Number of entries.
        capacity: u32,
    },
    /// The table is filled but not right; a finding says why.
    Stale,
    /// The image has a table, but no runtime to read it.
    Unread,
}

impl TableState {
    /// Returns why the program does not rewrite what it could; `None` if it does.
    pub(crate) fn why_unused(self) -> Option<Reason> {
        match self {
            Self::Filled { .. } => None,
            Self::Absent => Some(Reason::NoTable),
            Self::Empty { .. } => Some(Reason::EmptyTable),
            Self::Stale => Some(Reason::StaleTable),
            Self::Unread => Some(Reason::NoRuntime),
        }
    }
}

/// A place in a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The file, as the compiler named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, or 0 if it is not known.
    pub column: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.column != 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// A switchable function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Address of the record, which is also that of the slot.
    pub address: u64,
    /// Address of the stub that jumps through the slot.
    pub stub: u64,
    /// Name of the function, including its type if it is a method.
    pub name: String,
    /// The module that declares it.
    pub module: String,
    /// The signature as written.
    pub signature: String,
    /// Where it is declared.
    pub source: Source,
    /// Whether its default is off: a function without a body, or a flag that is `false`.
    pub has_no_body: bool,
    /// Address of the code of its default. `None` if the default is chosen at run time, or if
    /// another image may replace it.
    pub default: Option<u64>,
    /// Whether its calls lead to its default before any update, because the link bound them
    /// (`LinkHook::bind_defaults`).
    pub is_bound: bool,
}

impl Key {
    /// Returns module and name.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }
}

/// One `call!` in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// Address of the record.
    pub address: u64,
    /// The name that records of code use for it.
    pub id: Option<SiteId>,
    /// Its position.
    pub source: Source,
    /// Its key, as an index into [`Report::keys`]; `None` for a dead site.
    pub key: Option<usize>,
}

/// The code that a site calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trampoline {
    /// Where it is.
    pub address: u64,
    /// What it jumps to as linked: the stub of its key, or an entry of the procedure linkage table
    /// that leads there.
    pub stub: u64,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Whether plain calls of the key go here.
    pub is_plain: bool,
    /// Indices into [`Report::sites`] of the `call!`s that use it. There are several, or plain
    /// calls too, if the linker folded identical code.
    pub sites: Vec<usize>,
    /// Whether it is what the macros emit. If not, its calls are not patched.
    pub is_sound: bool,
}

/// A jump label: the code that asks whether a hook or a flag is on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Where it is.
    pub address: u64,
    /// The test that it is linked as a jump to.
    pub test: u64,
    /// The answer if execution falls through.
    pub polarity: Polarity,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Index into [`Report::sites`], for a `call!`.
    pub site: Option<usize>,
    /// The function around it, demangled, if there are symbols.
    pub function: Option<String>,
    /// Whether it is what the macros emit. If not, it is not patched, and tests the key.
    pub is_sound: bool,
}

/// Something that names a trampoline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Address of the instruction's first byte, or of the pointer if it is an address in data.
    pub address: u64,
    /// What the instruction is.
    pub kind: Kind,
    /// What its bytes allow. [`Grade::None`] also if it is not proved to be an instruction.
    pub grade: Grade,
    /// Length of the instruction in bytes; 0 in data.
    pub length: u8,
    /// Index into [`Report::trampolines`].
    pub trampoline: usize,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Index into [`Report::sites`], if it belongs to exactly one `call!`.
    pub site: Option<usize>,
    /// The function around it, demangled, if there are symbols.
    pub function: Option<String>,
    /// Its position in the source.
    pub source: Option<Source>,
    /// Whether the verifier proves that the runtime may rewrite it in place.
    pub inline: bool,
    /// Whether the program rewrites it: whether the image has a table that the program trusts, with
    /// an entry for this call that it trusts.
    pub listed: bool,
    /// Why it may not be rewritten. [`Report::reason`] also says why the program does not rewrite
    /// it.
    pub reason: Option<Reason>,
}

impl Call {
    /// Returns whether it is an instruction that calls, not just something that holds an address.
    #[must_use]
    pub fn is_call(&self) -> bool {
        !matches!(self.kind, Kind::Register | Kind::AddressTaken)
    }

    /// Returns whether the program rewrites it in place, and in steps: up to three stores with a
    /// barrier after each, instead of one store.
    #[must_use]
    pub fn takes_steps(&self) -> bool {
        self.listed && self.grade.takes_steps()
    }
}

/// Something that a user may want to know or fix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub key: FindingKey,
    /// Its level under the policy; never [`Level::Allow`].
    pub severity: Level,
    /// One sentence, including the fix if there is one.
    pub message: String,
    /// Its place in the image.
    pub address: Option<u64>,
    /// Its place in the source.
    pub source: Option<Source>,
}

impl fmt::Display for Finding {
    /// One line: `error: call.grade.line: src/main.rs:3:5: …; what to do (at 0x1234)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Level::Allow | Level::Note => "note",
            Level::Warn => "warning",
            Level::Deny => "error",
        };
        write!(f, "{severity}: {}: ", self.key)?;
        if let Some(source) = &self.source {
            write!(f, "{source}: ")?;
        }
        write!(f, "{}", self.message)?;
        match self.address {
            Some(address) => write!(f, " (at {address:#x})"),
            None => Ok(()),
        }
    }
}

/// The totals of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Number of keys.
    pub keys: usize,
    /// Number of live sites, as the runtime's report counts them: every `call!`, and one for all
    /// plain calls of a key together.
    pub sites: usize,
    /// Number of trampolines.
    pub trampolines: usize,
    /// Number of keys whose calls lead to their defaults before any update.
    pub bound: usize,
    /// Number of instructions that call a trampoline: `inline` + `trampoline`.
    pub calls: usize,
    /// Number of calls that the verifier proves may be rewritten in place.
    pub inline: usize,
    /// Number of calls that the program rewrites: all of `inline` if the image has a table that it
    /// trusts. These are `one_store` + `steps`.
    pub listed: usize,
    /// Number of calls that the program retargets by one store.
    pub one_store: usize,
    /// Number of calls that the program retargets in steps.
    pub steps: usize,
    /// Number of calls that stay on their trampolines, whatever the table says.
    pub trampoline: usize,
    /// Number of calls with grade `quad`.
    pub quad: usize,
    /// Number of calls with grade `disp`.
    pub disp: usize,
    /// Number of calls with grade `line`.
    pub line: usize,
    /// Number of calls with grade `straddle`.
    pub straddle: usize,
    /// Number of calls through the GOT.
    pub via_got: usize,
    /// Number of loads of a trampoline's address into a register, through the GOT or as an 8-byte
    /// number.
    pub register: usize,
    /// Number of addresses that are computed or lie in data.
    pub address_taken: usize,
    /// Number of jump labels of hooks and flags.
    pub labels: usize,
    /// Number of jump labels that are switched in place: those that are what the macros emit.
    pub labels_inline: usize,
}

impl Summary {
    /// Returns the number of calls as the program's own report counts them, which includes jump
    /// labels.
    #[must_use]
    pub fn all_calls(&self) -> usize {
        self.calls.saturating_add(self.labels)
    }

    /// Returns how many of [`all_calls`](Self::all_calls) the program rewrites in place.
    #[must_use]
    pub fn all_inline(&self) -> usize {
        self.listed.saturating_add(self.labels_inline)
    }
}
