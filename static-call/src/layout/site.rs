//! Names of sites in records.

use super::{FNV_OFFSET, FNV_PRIME};

/// What a record names a site by: [`site_id`] of its description.
///
/// A number and not an address, because the description can lie in another image than the code: a
/// generic function of a `dylib` is compiled into the program that calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(u64);

impl SiteId {
    /// Returns the site of a record's words, low word first; `None` for 0.
    #[must_use]
    pub fn from_words([low, high]: [u32; 2]) -> Option<Self> {
        Self::from_u64(u64::from(low) | u64::from(high) << 32)
    }

    /// Returns the site of a number; `None` for 0.
    #[must_use]
    pub fn from_u64(id: u64) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }
}

/// Returns the name of a site: FNV-1a, 64 bits, over its file, line, column and the path that it
/// calls. Never 0.
///
/// Two sites with one name are told apart by nothing; they are the same call at the same place, as
/// from one line of a macro that is expanded twice.
#[must_use]
pub const fn site_id(file: &str, line: u32, column: u32, callee: &str) -> u64 {
    let position = (line as u64) << 32 | column as u64;
    let hash = fold(fold(FNV_OFFSET, &position.to_le_bytes()), file.as_bytes());
    // A byte that no text has, so that no two pairs of texts are the same bytes.
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
