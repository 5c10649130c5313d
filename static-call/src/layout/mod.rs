//! The formats that macros, verifier and runtime share: section names, records, the table, the
//! names of functions.
//!
//! Everything here is plain data and arithmetic. The macros emit the records (through the assembly
//! text in `private/x86_64`), the verifier reads them from the file and writes the table and the
//! names, and the runtime reads all of them from memory. Any change of a format requires a new
//! [`RECORDS`] version.

pub mod key_record;
mod label;
mod places;
mod site;
#[cfg(test)]
mod tests;
mod words;

pub use label::{LabelRecord, Polarity};
pub use places::{
    PLACES_LEAST, PLACES_ROOM, PLACES_SECTION, PLACES_VERSION, PlaceEntry, Places, PlacesFault,
    PlacesHeader,
};
pub use site::{SiteId, site_id};

/// Gives the name of a section of these formats, with their version. Names and version are spelt
/// only here.
///
/// It is a macro, because attributes and assembly accept only literals. The two slices of records
/// (`STATIC_CALL_0_1_KEYS` in `record/mod.rs`, `STATIC_CALL_0_1_SITES` in `site.rs`) repeat the
/// version in their identifiers, from which `linkme` makes the names: a macro cannot compose an
/// identifier.
#[doc(hidden)]
#[macro_export]
macro_rules! __section {
    (version) => {
        "0_1"
    };
    // Written out, because every key has these and each `concat!` costs its compiler time.
    (keys "linkme") => {
        "linkme_STATIC_CALL_0_1_KEYS"
    };
    (push_trampolines) => {
        ".pushsection static_call_0_1_trampolines,\"ao\",@progbits,{me}"
    };
    (keys $prefix:literal) => {
        $crate::__private::core::concat!(
            $prefix,
            "_STATIC_CALL_",
            $crate::__section!(version),
            "_KEYS"
        )
    };
    (sites $prefix:literal) => {
        $crate::__private::core::concat!(
            $prefix,
            "_STATIC_CALL_",
            $crate::__section!(version),
            "_SITES"
        )
    };
    ($name:literal) => {
        $crate::__private::core::concat!("static_call_", $crate::__section!(version), "_", $name)
    };
}

/// Version of the record formats. It is part of every section and slice name, so that two versions
/// of this crate in one link never read each other's records.
pub const RECORDS: &str = crate::__section!(version);

/// Link-ordered section of [`TrampolineRecord`]s (`SHF_LINK_ORDER`, gABI "Special Sections").
pub const TRAMPOLINES_SECTION: &str = crate::__section!("trampolines");
/// Link-ordered section of [`LabelRecord`]s.
pub const LABELS_SECTION: &str = crate::__section!("labels");
/// Section of the table that the verifier fills: one [`TableHeader`] and its entries.
pub const TABLE_SECTION: &str = crate::__section!("table");
/// Section that only the image with the runtime has. In a program that uses a key of a Rust
/// `dylib`, the runtime is in the `dylib`.
pub const RUNTIME_SECTION: &str = crate::__section!("runtime");
/// Section of the slice of `KeyRecord`s.
pub const KEYS_SECTION: &str = crate::__section!(keys "linkme");
/// Section of the slice of `SiteRecord`s.
pub const SITES_SECTION: &str = crate::__section!(sites "linkme");
/// Common beginning of the section names of every version.
pub const SECTION_PREFIX: &str = "static_call_";

/// Bytes of a trampoline: one aligned quadword.
pub const TRAMPOLINE_SIZE: usize = 8;

/// A trampoline instance, as stored in [`TRAMPOLINES_SECTION`]: four little-endian words.
///
/// The two addresses are relative to the field that holds them, so that the section needs no
/// dynamic relocation and stays read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TrampolineRecord {
    /// The trampoline.
    pub trampoline: i32,
    /// The key's stub, which names the key. In a shared object this may be an entry of the
    /// procedure linkage table that leads to the stub.
    pub stub: i32,
    /// The [`site_id`] of a `call!`, low word first, or 0 for the plain calls of a key.
    pub site: [u32; 2],
}

impl TrampolineRecord {
    /// Bytes of a record.
    pub const SIZE: usize = 16;

    /// Reads a record from little-endian bytes.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Self {
        let word = |i: usize| [b[i], b[i + 1], b[i + 2], b[i + 3]];
        Self {
            trampoline: i32::from_le_bytes(word(0)),
            stub: i32::from_le_bytes(word(4)),
            site: [u32::from_le_bytes(word(8)), u32::from_le_bytes(word(12))],
        }
    }

    /// Returns the addresses of trampoline and stub, and the site, of a record at `address`.
    #[must_use]
    pub fn parts(&self, address: u64) -> (u64, u64, Option<SiteId>) {
        let at = |field: u64, value: i32| (address + field).wrapping_add_signed(value.into());
        (at(0, self.trampoline), at(4, self.stub), SiteId::from_words(self.site))
    }
}

/// The kind of an instruction that names a trampoline.
///
/// # Examples
///
/// ```
/// use static_call::Kind;
///
/// assert!(Kind::Jcc.is_direct());
/// assert!(!Kind::Register.is_direct());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `call rel32`: `e8`, or `67 e8`.
    Call = 1,
    /// `jmp rel32`, a tail call: `e9`, or `67 e9`.
    Jmp = 2,
    /// `jcc rel32`, a conditional tail call: `0f 80` to `0f 8f`.
    Jcc = 3,
    /// `call *slot(%rip)` through a GOT slot that was not rewritten to the direct form.
    CallGot = 4,
    /// `jmp *slot(%rip)` through a GOT slot that was not rewritten to the direct form.
    JmpGot = 5,
    /// The address is loaded into a register, from the GOT or as an 8-byte immediate, usually for a
    /// later `call reg`.
    Register = 6,
    /// The address is computed (`lea`) or stored in data.
    AddressTaken = 7,
    /// The jump label of a hook or a flag: `jmp rel32` or a no-op of the same length. It names no
    /// trampoline, and the table does not list it.
    Label = 8,
}

impl Kind {
    /// Returns the kind that an entry's byte encodes, or `None`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        // Entries are never labels.
        Some(match byte {
            1 => Self::Call,
            2 => Self::Jmp,
            3 => Self::Jcc,
            4 => Self::CallGot,
            5 => Self::JmpGot,
            6 => Self::Register,
            7 => Self::AddressTaken,
            _ => return None,
        })
    }

    /// Returns whether an instruction of this kind holds a displacement that can be rewritten.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Call | Self::Jmp | Self::Jcc)
    }
}

/// What the bytes of a call instruction allow. `SAFETY.md` has the reasons.
///
/// # Examples
///
/// ```
/// use static_call::Grade;
///
/// assert!(Grade::Disp.is_patchable() && !Grade::Disp.takes_steps());
/// assert!(Grade::Line.is_patchable() && Grade::Line.takes_steps());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Grade {
    /// The whole instruction lies in one aligned quadword.
    Quad = 1,
    /// Only the displacement lies in one aligned quadword.
    Disp = 2,
    /// The displacement crosses a quadword boundary; the instruction lies in one cache line.
    Line = 3,
    /// The displacement crosses a quadword boundary, and the instruction crosses a cache line.
    Straddle = 4,
    /// The instruction has no displacement that could be rewritten.
    None = 5,
}

impl Grade {
    /// Returns the grade that an entry's byte encodes, or `None`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Quad,
            2 => Self::Disp,
            3 => Self::Line,
            4 => Self::Straddle,
            5 => Self::None,
            _ => return None,
        })
    }

    /// Returns whether an instruction of this grade may be patched while other threads execute it.
    #[must_use]
    pub fn is_patchable(self) -> bool {
        self != Self::None
    }

    /// Returns whether retargeting an instruction of this grade takes steps: up to three stores
    /// with a barrier after each, instead of one store.
    #[must_use]
    pub fn takes_steps(self) -> bool {
        matches!(self, Self::Line | Self::Straddle)
    }
}

/// A `SiteRecord` as stored in [`SITES_SECTION`]. `site.rs` checks it.
pub mod site_record {
    /// Bytes of a record.
    pub const SIZE: usize = 32;
    /// The file name: address and length.
    pub const FILE: u64 = 0;
    /// Four bytes.
    pub const LINE: u64 = 16;
    /// Four bytes.
    pub const COLUMN: u64 = 20;
    /// Eight bytes: the [`SiteId`](super::SiteId).
    pub const ID: u64 = 24;
}

/// First 8 bytes of the table.
pub const TABLE_MAGIC: [u8; 8] = *b"STATCALL";
/// Version of the table format.
pub const TABLE_VERSION: u32 = 1;

/// The head of the table: little-endian, [`TableHeader::SIZE`] bytes, 8-aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableHeader {
    /// [`TABLE_VERSION`] of the verifier that filled the table; 0 while it is empty.
    pub version: u32,
    /// Number of entries that the section has room for.
    pub capacity: u32,
    /// Number of filled entries, from the first.
    pub count: u32,
    /// [`image_identity`] of the image that the entries describe.
    pub identity: u64,
    /// [`checksum`] of the filled entries.
    pub checksum: u64,
}

impl TableHeader {
    /// Bytes of a header.
    pub const SIZE: usize = 40;

    /// Returns the header as stored in the image.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut b = [0; Self::SIZE];
        b[..8].copy_from_slice(&TABLE_MAGIC);
        b[8..12].copy_from_slice(&self.version.to_le_bytes());
        b[12..16].copy_from_slice(&self.capacity.to_le_bytes());
        b[16..20].copy_from_slice(&self.count.to_le_bytes());
        b[24..32].copy_from_slice(&self.identity.to_le_bytes());
        b[32..].copy_from_slice(&self.checksum.to_le_bytes());
        b
    }

    /// Reads a header. Returns `None` if the magic is wrong or the reserved word is not zero.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Option<Self> {
        if b[..8] != TABLE_MAGIC || b[20..24] != [0; 4] {
            return None;
        }
        let word = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        let quad = |i: usize| u64::from(word(i)) | u64::from(word(i + 4)) << 32;
        Some(Self {
            version: word(8),
            capacity: word(12),
            count: word(16),
            identity: quad(24),
            checksum: quad(32),
        })
    }
}

/// An entry of the table: [`TableEntry::SIZE`] bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// Address of the instruction's first byte, relative to the entry. For a
    /// [`Kind::AddressTaken`] in data, address of the pointer.
    pub instruction: i32,
    /// Address of the trampoline, relative to the entry.
    pub trampoline: i32,
    /// Kind of the instruction.
    pub kind: Kind,
    /// What the instruction's bytes allow.
    pub grade: Grade,
    /// Length of the instruction in bytes; 0 for a pointer in data.
    pub length: u8,
}

impl TableEntry {
    /// Bytes of an entry.
    pub const SIZE: usize = 12;

    /// Returns the entry as stored in the image.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut b = [0; Self::SIZE];
        b[..4].copy_from_slice(&self.instruction.to_le_bytes());
        b[4..8].copy_from_slice(&self.trampoline.to_le_bytes());
        b[8..].copy_from_slice(&[self.kind as u8, self.grade as u8, self.length, 0]);
        b
    }

    /// Reads an entry. Returns `None` if kind or grade is unknown or the reserved byte is not zero.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Option<Self> {
        if b[11] != 0 {
            return None;
        }
        Some(Self {
            instruction: i32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            trampoline: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
            kind: Kind::from_byte(b[8])?,
            grade: Grade::from_byte(b[9])?,
            length: b[10],
        })
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Returns the 64-bit FNV-1a hash of `bytes`. It detects accidental changes of the table and of the
/// names, not an adversary's.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV_OFFSET, |h, &b| (h ^ u64::from(b)).wrapping_mul(FNV_PRIME))
}

/// The parts of a loadable segment that are in the identity of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `p_vaddr`.
    pub address: u64,
    /// `p_memsz`.
    pub size: u64,
    /// `p_flags`.
    pub flags: u32,
}

/// Returns the identity of an image: a hash of the layout of its `PT_LOAD` segments, in file order.
///
/// The link decides it and `strip` keeps it. A tool that rearranges the image (BOLT, patchelf) adds
/// or moves segments and so changes it.
#[must_use]
pub fn image_identity(segments: impl Iterator<Item = Segment>) -> u64 {
    segments.fold(FNV_OFFSET, |h, s| {
        [s.address, s.size, u64::from(s.flags)]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .fold(h, |h, b| (h ^ u64::from(b)).wrapping_mul(FNV_PRIME))
    })
}
