//! Why a call is not inline.

use std::fmt;

/// Why something that names a trampoline stays on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It is a jump with an 8-bit displacement.
    ShortJump,
    /// It has an unusual prefix.
    UnusualPrefix,
    /// It goes through a GOT slot.
    ThroughGot,
    /// It goes through the procedure linkage table.
    ThroughPlt,
    /// The address is loaded into a register through the GOT.
    ThroughRegister,
    /// The address is loaded into a register as an 8-byte number.
    CodeModel,
    /// The address is computed.
    AddressComputed,
    /// The address lies in data.
    AddressInData,
    /// The function around it does not decode without doubt.
    NotProved,
    /// It lies in no known function.
    NoExtent,
    /// Its trampoline is not what the macros emit.
    UnsoundTrampoline,
    /// It could be inline, but the image has no table, so the program does not know it.
    NoTable,
    /// It could be inline, but the runtime is in another image and does not know this one's calls.
    NoRuntime,
    /// It could be inline, but nothing filled the table.
    EmptyTable,
    /// It could be inline, but the program does not trust the table's entry for it, if there is
    /// one.
    StaleTable,
}

impl Reason {
    /// Returns the name, in lower case with dashes: `short-jump`, `through-got`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShortJump => "short-jump",
            Self::UnusualPrefix => "unusual-prefix",
            Self::ThroughGot => "through-got",
            Self::ThroughPlt => "through-plt",
            Self::ThroughRegister => "through-register",
            Self::CodeModel => "code-model",
            Self::AddressComputed => "address-computed",
            Self::AddressInData => "address-in-data",
            Self::NotProved => "not-proved",
            Self::NoExtent => "no-extent",
            Self::UnsoundTrampoline => "unsound-trampoline",
            Self::NoTable => "no-table",
            Self::NoRuntime => "no-runtime",
            Self::EmptyTable => "empty-table",
            Self::StaleTable => "stale-table",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShortJump => "it is a short jump",
            Self::UnusualPrefix => "it has an unusual prefix",
            Self::ThroughGot => "it goes through the GOT",
            Self::ThroughPlt => "it goes through the PLT",
            Self::ThroughRegister => "the address is loaded into a register through the GOT",
            Self::CodeModel => {
                "the address is loaded into a register as an 8-byte number, as with \
                 `-Ccode-model=large`"
            }
            Self::AddressComputed => "the address is taken",
            Self::AddressInData => "the address lies in data",
            Self::NotProved => "it is not proved to be an instruction",
            Self::NoExtent => "it lies in no known function",
            Self::NoTable => "the image has no table",
            Self::NoRuntime => "the runtime is in another image",
            Self::EmptyTable => "the table is empty",
            Self::StaleTable => "the table does not match the image",
            Self::UnsoundTrampoline => "its trampoline is not what the macros emit",
        })
    }
}
