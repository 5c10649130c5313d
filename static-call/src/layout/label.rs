//! The records of jump labels.

use super::SiteId;

/// A jump label, as stored in [`LABELS_SECTION`](super::LABELS_SECTION): six little-endian words.
///
/// The addresses are relative to the field that holds them, as in a
/// [`TrampolineRecord`](super::TrampolineRecord).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LabelRecord {
    /// The label: five bytes in one aligned quadword, linked as a jump to the test.
    pub label: i32,
    /// The test that the label jumps to, which goes on at the block of either answer.
    pub test: i32,
    /// The key's stub, which names the key.
    pub stub: i32,
    /// A [`Polarity`].
    pub polarity: u32,
    /// The [`site_id`](super::site_id) of a `call!`, low word first, or 0 for the labels of a flag.
    pub site: [u32; 2],
}

impl LabelRecord {
    /// Bytes of a record.
    pub const SIZE: usize = 24;

    /// Reads a record from little-endian bytes.
    #[must_use]
    pub fn from_bytes(b: &[u8; Self::SIZE]) -> Self {
        let word = |i: usize| [b[i], b[i + 1], b[i + 2], b[i + 3]];
        Self {
            label: i32::from_le_bytes(word(0)),
            test: i32::from_le_bytes(word(4)),
            stub: i32::from_le_bytes(word(8)),
            polarity: u32::from_le_bytes(word(12)),
            site: [u32::from_le_bytes(word(16)), u32::from_le_bytes(word(20))],
        }
    }

    /// Returns the addresses of label, test and stub, and the site, of a record at `address`.
    #[must_use]
    pub fn parts(&self, address: u64) -> (u64, u64, u64, Option<SiteId>) {
        let at = |field: u64, value: i32| (address + field).wrapping_add_signed(value.into());
        let site = SiteId::from_words(self.site);
        (at(0, self.label), at(4, self.test), at(8, self.stub), site)
    }
}

/// The answer that a jump label gives by falling through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Polarity {
    /// *Off*: a no-op while the key is off.
    Unlikely = 1,
    /// *On*: a no-op while the key is on.
    Likely = 2,
}

impl Polarity {
    /// Returns the polarity that a record's word encodes, or `None`.
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        match word {
            1 => Some(Self::Unlikely),
            2 => Some(Self::Likely),
            _ => None,
        }
    }
}
