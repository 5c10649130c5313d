//! Names of sites in records.

use super::{FNV_OFFSET, FNV_PRIME};

/// The name of a site in records: the [`site_id`] of its description.
///
/// It is a number and not an address, because the description can be in another image than the
/// code: a generic function of a `dylib` is compiled into the program that calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(u64);

impl SiteId {
    /// Returns the site of a record's two words, low word first, or `None` for 0.
    #[must_use]
    pub fn from_words([low, high]: [u32; 2]) -> Option<Self> {
        Self::from_u64(u64::from(low) | u64::from(high) << 32)
    }

    /// Returns the site of a number, or `None` for 0.
    #[must_use]
    pub fn from_u64(id: u64) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }
}

/// Returns the name of a site: the 64-bit FNV-1a hash of its file, line, column and called path.
/// Never 0.
///
/// Two sites with the same name cannot be distinguished. They are the same call at the same place,
/// such as one line of a macro that is expanded twice.
#[must_use]
pub const fn site_id(file: &str, line: u32, column: u32, callee: &str) -> u64 {
    let position = (line as u64) << 32 | column as u64;
    let hash = fold(fold(FNV_OFFSET, &position.to_le_bytes()), file.as_bytes());
    // A byte that never occurs in UTF-8, so that different pairs of texts give different bytes.
    match fold(fold(hash, &[0xff]), callee.as_bytes()) {
        0 => 1,
        id => id,
    }
}

const fn fold(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(FNV_PRIME);
        i += 1;
    }
    hash
}
