//! Rewrites calls through the GOT, fills the table, names the functions around calls, and binds
//! calls to their defaults.

use std::ops::Range;

use crate::policy::Policy;
use crate::report::Report;
use crate::verify::{Analysis, Stamp, analyse, verify};

/// What [`stamp`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stamped {
    /// The table is filled; the image is ready.
    Done {
        /// Number of entries in the table.
        entries: u32,
        /// Number of calls through the GOT that were rewritten to the direct form.
        rewritten: u32,
    },
    /// The image has no static calls.
    NothingToDo,
    /// The image has no table: link [`table_object`](crate::table_object) into it.
    NoTable,
    /// The table is too small: link again with a bigger one.
    TooSmall {
        /// Number of entries that fit.
        capacity: u32,
        /// Number of entries needed.
        needed: u32,
    },
    /// The image or its table is damaged or from another version; a finding says which.
    Refused,
}

/// Rewrites calls through the GOT to the direct form where that is exact, verifies the image, and
/// fills its table and the names of functions, if it has room for them. If the policy says so, it
/// then lets calls lead to their defaults.
///
/// The report describes the image after this. If the result is not [`Stamped::Done`], the image is
/// unchanged. Stamping an image again gives the same bytes.
#[must_use]
pub fn stamp(image: &mut [u8], policy: &Policy) -> (Report, Stamped) {
    let (report, stamped, _) = stamp_parts(image, policy);
    (report, stamped)
}

/// Like [`stamp`], and returns the parts of the image that it wrote.
pub(crate) fn stamp_parts(
    image: &mut [u8],
    policy: &Policy,
) -> (Report, Stamped, Vec<Range<usize>>) {
    let Analysis { mut report, stamp } = analyse(image, policy, true);
    let stamped = match stamp {
        Some(Stamp::Write { entries, undone, rewrites, reserved, bound }) => {
            let plain = |(offset, bytes): &'_ (u64, Vec<u8>)| (*offset, bytes.clone());
            let rewritten = rewrites.iter().map(|r| (r.offset, r.bytes.to_vec()));
            let after = reserved.iter().chain(&bound).map(plain);
            let writes: Vec<_> = undone.iter().map(plain).chain(rewritten).chain(after).collect();
            let written = write(image, writes.iter().map(|(offset, bytes)| (*offset, &bytes[..])));
            if let Some(parts) = written {
                let rewritten = u32::try_from(rewrites.len()).unwrap_or(u32::MAX);
                return (report, Stamped::Done { entries, rewritten }, parts);
            }
            Stamped::Refused
        }
        Some(Stamp::NothingToDo) => return (report, Stamped::NothingToDo, Vec::new()),
        Some(Stamp::NoTable) => Stamped::NoTable,
        Some(Stamp::TooSmall { capacity, needed }) => Stamped::TooSmall { capacity, needed },
        Some(Stamp::Refused) | None => Stamped::Refused,
    };
    // The report described the image as it would have been.
    report = verify(image, policy);
    (report, stamped, Vec::new())
}

/// Writes all parts, or none if any lies outside the image.
fn write<'w>(
    image: &mut [u8],
    writes: impl Iterator<Item = (u64, &'w [u8])> + Clone,
) -> Option<Vec<Range<usize>>> {
    let range = |(offset, bytes): (u64, &[u8])| {
        let start = usize::try_from(offset).ok()?;
        let range = start..start.checked_add(bytes.len())?;
        image.get(range.clone()).map(|_| range)
    };
    let parts: Vec<_> = writes.clone().map(range).collect::<Option<_>>()?;
    for (part, (_, bytes)) in parts.iter().zip(writes) {
        image.get_mut(part.clone())?.copy_from_slice(bytes);
    }
    Some(parts)
}
