//! The names of the functions around call instructions and jump labels, which reports show.
//!
//! The link hook reserves the section, and the verifier fills it from the symbols: a
//! [`PlacesHeader`], entries sorted by address, and the names. Nothing that patches code reads it.

#[cfg(test)]
mod tests;

use super::checksum;

/// Section of the names, read-only and without relocations.
pub const PLACES_SECTION: &str = crate::__section!("places");
/// First bytes of the section.
const PLACES_MAGIC: [u8; 8] = *b"STATPLAC";
/// Version of the section's format.
pub const PLACES_VERSION: u32 = 1;
/// Bytes that the link hook reserves for each call instruction and jump label: an entry, and a
/// share of the names. If they are not enough, some names are missing from reports.
pub const PLACES_ROOM: u32 = 48;
/// Bytes that it reserves besides: with few calls, a long name has few others to share with.
pub const PLACES_LEAST: u32 = 512;

/// The head of the section: [`PlacesHeader::SIZE`] bytes, little-endian. It is followed by
/// `capacity` bytes, which begin with the entries and the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacesHeader {
    /// Format of entries and names, [`PLACES_VERSION`]. 0 if they were never filled in.
    pub version: u32,
    /// Bytes that entries and names have room in.
    pub capacity: u32,
    /// Number of entries.
    pub count: u32,
    /// Bytes of the names.
    pub names: u32,
    /// [`image_identity`](super::image_identity) of the image that the entries describe.
    pub identity: u64,
    /// [`checksum`] of the entries and the names.
    pub checksum: u64,
}

impl PlacesHeader {
    /// Bytes of a header.
    pub const SIZE: usize = 40;

    /// Returns the header as stored in the image.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut b = [0; Self::SIZE];
        b[..8].copy_from_slice(&PLACES_MAGIC);
        b[8..12].copy_from_slice(&self.version.to_le_bytes());
        b[12..16].copy_from_slice(&self.capacity.to_le_bytes());
        b[16..20].copy_from_slice(&self.count.to_le_bytes());
        b[20..24].copy_from_slice(&self.names.to_le_bytes());
        b[24..32].copy_from_slice(&self.identity.to_le_bytes());
        b[32..].copy_from_slice(&self.checksum.to_le_bytes());
        b
    }

    /// Reads a header. Returns `None` if the magic is wrong.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Option<Self> {
        if b[..8] != PLACES_MAGIC {
            return None;
        }
        let word = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        let quad = |i: usize| u64::from(word(i)) | u64::from(word(i + 4)) << 32;
        Some(Self {
            version: word(8),
            capacity: word(12),
            count: word(16),
            names: word(20),
            identity: quad(24),
            checksum: quad(32),
        })
    }
}

/// An entry: [`PlaceEntry::SIZE`] bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceEntry {
    /// Address of the first byte of a call instruction or a jump label, relative to the section.
    pub instruction: i32,
    /// Where the name of the function around it is, as an offset into the names: its length in two
    /// bytes, then its text in UTF-8.
    pub name: u32,
}

impl PlaceEntry {
    /// Bytes of an entry.
    pub const SIZE: usize = 8;

    /// Returns the entry as stored in the image.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let [[a, b, c, d], [e, f, g, h]] =
            [self.instruction.to_le_bytes(), self.name.to_le_bytes()];
        [a, b, c, d, e, f, g, h]
    }

    /// Reads an entry.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Self {
        let [a, b, c, d, e, f, g, h] = *b;
        Self {
            instruction: i32::from_le_bytes([a, b, c, d]),
            name: u32::from_le_bytes([e, f, g, h]),
        }
    }
}

/// Why the names are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacesFault {
    /// It is not such a section, or is truncated.
    Malformed,
    /// It has a version that this crate does not know.
    Version(u32),
    /// It describes another image, or this one before a tool rearranged it.
    OtherImage,
    /// Its entries and names are not what the verifier wrote.
    Changed,
}

/// A section whose header and checksum are right. An entry that is not right names nothing.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    address: u64,
    entries: &'a [[u8; PlaceEntry::SIZE]],
    names: &'a [u8],
}

impl<'a> Places<'a> {
    /// Reads the section at `address` of an image with this identity. Returns `None` if it was
    /// never filled in.
    pub fn read(
        section: &'a [u8],
        address: u64,
        identity: u64,
    ) -> Result<Option<Self>, PlacesFault> {
        let head = section.first_chunk().ok_or(PlacesFault::Malformed)?;
        let header = PlacesHeader::from_bytes(head).ok_or(PlacesFault::Malformed)?;
        match header.version {
            0 => return Ok(None),
            PLACES_VERSION => {}
            other => return Err(PlacesFault::Version(other)),
        }
        let entries = u64::from(header.count) * PlaceEntry::SIZE as u64;
        let filled = entries + u64::from(header.names);
        if filled > header.capacity.into() {
            return Err(PlacesFault::Malformed);
        }
        let filled = usize::try_from(filled)
            .ok()
            .and_then(|length| section[PlacesHeader::SIZE..].get(..length))
            .ok_or(PlacesFault::Malformed)?;
        if header.identity != identity {
            return Err(PlacesFault::OtherImage);
        }
        if header.checksum != checksum(filled) {
            return Err(PlacesFault::Changed);
        }
        // It is not more than `filled`, which is in memory.
        let (entries, names) = filled.split_at(entries as usize);
        Ok(Some(Self { address, entries: entries.as_chunks().0, names }))
    }

    /// Returns the name of the function around the instruction at an address.
    #[must_use]
    pub fn function(&self, instruction: u64) -> Option<&'a str> {
        let offset = i32::try_from(instruction.wrapping_sub(self.address).cast_signed()).ok()?;
        let instruction_of = |entry: &_| PlaceEntry::from_bytes(entry).instruction;
        let at = self.entries.binary_search_by_key(&offset, instruction_of).ok()?;
        let name = usize::try_from(PlaceEntry::from_bytes(&self.entries[at]).name).ok()?;
        let (length, text) = self.names.get(name..)?.split_first_chunk()?;
        core::str::from_utf8(text.get(..u16::from_le_bytes(*length).into())?).ok()
    }
}
