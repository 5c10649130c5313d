//! What a verification found. Plain data; the text form is [`Report`]'s `Display`.

mod reason;

use std::fmt;

pub use crate::compiled::Compiled;
pub use reason::Reason;
pub use static_call::layout::{Grade, Kind, Polarity, SiteId};

use crate::policy::{FindingKey, Level};

/// Everything that was found in an image.
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
    /// What a policy does not allow, by key and address.
    pub findings: Vec<Finding>,
    /// The numbers.
    pub summary: Summary,
}

impl Report {
    /// The findings that fail the build.
    pub fn denied(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Level::Deny)
    }

    /// Why the program does not rewrite a call in place: its own reason, or that of the table.
    #[must_use]
    pub fn reason(&self, call: &Call) -> Option<Reason> {
        let of_table = || self.image.table.why_unused().filter(|_| !call.listed);
        call.reason.or_else(of_table)
    }
}

/// What an image is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageInfo {
    /// What kind of file it is.
    pub kind: ImageKind,
    /// Bytes of machine code.
    pub code: u64,
    /// Whether it has symbols of its functions.
    pub has_symbols: bool,
    /// Whether it has an unwind table.
    pub has_unwind_table: bool,
    /// Whether it has line tables of its own.
    pub has_debug_info: bool,
    /// The GNU build id, as it stands in the image (stamping leaves it as it is).
    pub build_id: Vec<u8>,
    /// The table for the runtime.
    pub table: TableState,
    /// How it was compiled, where the link hook has noted it.
    pub compiled: Option<Compiled>,
}

/// What kind of file an image is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageKind {
    /// Nothing that the verifier reads.
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
    /// The image has none.
    #[default]
    Absent,
    /// There is room for `capacity` entries, and nothing in it.
    Empty {
        /// Entries.
        capacity: u32,
    },
    /// Filled, and right for this image.
    Filled {
        /// Entries.
        count: u32,
        /// Entries.
        capacity: u32,
    },
    /// Filled, and not as it should be: a finding says why.
    Stale,
    /// There is one, and no runtime in this image to read it.
    Unread,
}

impl TableState {
    /// Why the program does not rewrite what it could; `None` where it does.
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
    /// The column, from 1, or 0 where it is not known.
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
    /// Address of the record, which is that of the slot.
    pub address: u64,
    /// Address of the stub that jumps through the slot.
    pub stub: u64,
    /// Name of the function, with its type for a method.
    pub name: String,
    /// The module that declares it.
    pub module: String,
    /// The signature as written.
    pub signature: String,
    /// Where it is declared.
    pub source: Source,
    /// Whether its default is off: a function without a body, or a flag that is `false`.
    pub has_no_body: bool,
}

impl Key {
    /// Module and name.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }
}

/// One `call!` of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// Address of the record.
    pub address: u64,
    /// What records of code name it by.
    pub id: Option<SiteId>,
    /// Where it stands.
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
    /// Where it jumps as it is linked: the stub of its key, or an entry of the procedure linkage
    /// table that leads there.
    pub stub: u64,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Whether plain calls of the key go here.
    pub is_plain: bool,
    /// Indices into [`Report::sites`], of each `call!` that goes here: more than one thing does
    /// where the linker folded identical code.
    pub sites: Vec<usize>,
    /// Whether it is what the macros emit. Calls of one that is not are left alone.
    pub is_sound: bool,
}

/// A jump label: where a hook or a flag is asked whether it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Where it is.
    pub address: u64,
    /// The block behind it, which tests the key.
    pub cold: u64,
    /// The answer that it gives by falling through.
    pub polarity: Polarity,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Index into [`Report::sites`], for a `call!`.
    pub site: Option<usize>,
    /// Whether it is what the macros emit. One that is not is left alone, and tests the key.
    pub is_sound: bool,
}

/// Something that names a trampoline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Of the instruction's first byte, or of the pointer for an address in data.
    pub address: u64,
    /// What the instruction is.
    pub kind: Kind,
    /// What its bytes allow; [`Grade::None`] also for one that is not proved to be an instruction.
    pub grade: Grade,
    /// Bytes of the instruction; 0 in data.
    pub length: u8,
    /// Index into [`Report::trampolines`].
    pub trampoline: usize,
    /// Index into [`Report::keys`].
    pub key: usize,
    /// Index into [`Report::sites`], where it is a `call!` and only one.
    pub site: Option<usize>,
    /// The function around it, demangled, where there are symbols.
    pub function: Option<String>,
    /// Where it stands in the source.
    pub source: Option<Source>,
    /// Whether the runtime may rewrite it in place, as the verifier proves.
    pub inline: bool,
    /// Whether the program does: whether the image has a table that it trusts, with an entry of
    /// this call that it trusts.
    pub listed: bool,
    /// Why it may not; [`Report::reason`] also says why it does not.
    pub reason: Option<Reason>,
}

impl Call {
    /// Whether it is an instruction that calls, not merely something that holds an address.
    #[must_use]
    pub fn is_call(&self) -> bool {
        !matches!(self.kind, Kind::Register | Kind::AddressTaken)
    }
}

/// Something that a person may want to know or to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub key: FindingKey,
    /// What the policy makes of it; never [`Level::Allow`].
    pub severity: Level,
    /// One sentence, with the mend where there is one.
    pub message: String,
    /// Where in the image.
    pub address: Option<u64>,
    /// Where in the source.
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

/// The numbers of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Keys.
    pub keys: usize,
    /// Live sites, as the runtime's report counts them: every `call!`, and for each key that is
    /// called plainly its plain calls together.
    pub sites: usize,
    /// Trampolines.
    pub trampolines: usize,
    /// Instructions that call a trampoline: `inline` + `trampoline`.
    pub calls: usize,
    /// Calls that may be rewritten in place, as the verifier proves.
    pub inline: usize,
    /// Calls that the program does rewrite: all of `inline` where the image has a table that it
    /// trusts.
    pub listed: usize,
    /// Calls that stay on their trampoline, whatever the table says.
    pub trampoline: usize,
    /// Calls by grade.
    pub quad: usize,
    /// Calls by grade.
    pub disp: usize,
    /// Calls by grade.
    pub line: usize,
    /// Calls by grade.
    pub straddle: usize,
    /// Calls that go through the GOT.
    pub via_got: usize,
    /// Loads of a trampoline's address into a register: through the GOT, or as a number of 8 bytes.
    pub register: usize,
    /// Addresses that are computed or stand in data.
    pub address_taken: usize,
    /// Jump labels of hooks and flags.
    pub labels: usize,
    /// Jump labels that are switched in place: those that are what the macros emit.
    pub labels_inline: usize,
}

impl Summary {
    /// Returns how many calls there are as the program's own report counts them: with jump labels.
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
