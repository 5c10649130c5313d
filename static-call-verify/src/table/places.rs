//! Fills in the names of the functions around calls and jump labels, which the program's report
//! shows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use static_call::layout::{PLACES_SECTION, PLACES_VERSION, PlaceEntry, PlacesHeader, checksum};

use super::reserved::Reserved;
use crate::elf::image::Image;
use crate::report::{Call, Label};

/// Returns the bytes of the section with the names and its offset in the file, or `None` if the
/// link reserved none. Where its room ends, names are left out: they are worth no second link.
pub(crate) fn fill(image: &Image<'_>, calls: &[Call], labels: &[Label]) -> Option<(u64, Vec<u8>)> {
    let reserved = Reserved::find(image, PLACES_SECTION).ok().flatten()?;
    let header = reserved.data.first_chunk().and_then(PlacesHeader::from_bytes)?;
    let capacity = usize::try_from(header.capacity).ok()?;
    if capacity > reserved.data.len() - PlacesHeader::SIZE {
        return None;
    }
    let calls = calls.iter().map(|c| (c.address, c.function.as_deref()));
    let labels = labels.iter().map(|l| (l.address, l.function.as_deref()));
    let named = calls.chain(labels).filter_map(|(address, name)| Some((address, name?)));
    let (entries, names) = entries(reserved.address, capacity, named);
    let filled = [entries.as_flattened(), &names].concat();
    let header = PlacesHeader {
        version: PLACES_VERSION,
        capacity: header.capacity,
        count: u32::try_from(entries.len()).ok()?,
        names: u32::try_from(names.len()).ok()?,
        identity: image.identity(),
        checksum: checksum(&filled),
    };
    // Nothing remains of what an earlier stamping wrote.
    let mut section = vec![0; reserved.data.len()];
    let (head, rest) = section.split_at_mut_checked(PlacesHeader::SIZE)?;
    head.copy_from_slice(&header.to_bytes());
    rest.get_mut(..filled.len())?.copy_from_slice(&filled);
    Some((reserved.offset, section))
}

/// Returns the entries by address and their names, as far as they fit into `capacity` bytes. A name
/// is either whole or missing.
fn entries<'r>(
    section: u64,
    capacity: usize,
    named: impl Iterator<Item = (u64, &'r str)>,
) -> (Vec<[u8; PlaceEntry::SIZE]>, Vec<u8>) {
    let mut named: Vec<(i32, &str)> = named
        .filter_map(|(address, name)| {
            let offset = address.wrapping_sub(section).cast_signed();
            Some((i32::try_from(offset).ok()?, name))
        })
        .collect();
    named.sort_unstable();
    // The verifier may know two uses of one instruction.
    named.dedup_by_key(|(instruction, _)| *instruction);
    let (mut entries, mut names) = (Vec::new(), Vec::new());
    let mut offsets = HashMap::new();
    for (instruction, text) in named {
        let left = capacity - entries.len() * PlaceEntry::SIZE - names.len();
        let Ok(length) = u16::try_from(text.len()) else { continue };
        let Some(left) = left.checked_sub(PlaceEntry::SIZE) else { break };
        let name = match offsets.entry(text) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if left < size_of_val(&length) + text.len() => continue,
            Entry::Vacant(new) => {
                let Ok(offset) = u32::try_from(names.len()) else { continue };
                names.extend(length.to_le_bytes());
                names.extend(text.as_bytes());
                *new.insert(offset)
            }
        };
        entries.push(PlaceEntry { instruction, name }.to_bytes());
    }
    (entries, names)
}

#[cfg(test)]
mod tests {
    use static_call::layout::Places;

    use super::*;

    const SECTION: u64 = 0x40_0000;

    /// Returns what the runtime reads from a section with this room.
    fn read(capacity: usize, named: &[(u64, &str)], address: u64) -> Option<String> {
        let (entries, names) = entries(SECTION, capacity, named.iter().copied());
        let filled = [entries.as_flattened(), &names].concat();
        assert!(filled.len() <= capacity, "{} bytes in {capacity}", filled.len());
        let header = PlacesHeader {
            version: PLACES_VERSION,
            capacity: capacity as u32,
            count: entries.len() as u32,
            names: names.len() as u32,
            identity: 1,
            checksum: checksum(&filled),
        };
        let section = [header.to_bytes().as_slice(), &filled].concat();
        let places = Places::read(&section, SECTION, 1).unwrap().unwrap();
        places.function(address).map(str::to_owned)
    }

    #[test]
    fn names_that_do_not_fit_are_left_out_whole() {
        let far = SECTION + (1 << 31);
        let named = [(9, "a"), (SECTION + 9, "long"), (SECTION + 5, "b"), (7, "a"), (far, "far")];
        let known = |capacity| {
            let of = |(address, name): (u64, &str)| {
                let found = read(capacity, &named, address);
                assert!(found.as_deref().is_none_or(|found| found == name), "{found:?}");
                found.is_some()
            };
            named.map(of)
        };
        assert_eq!(known(100), [true, true, true, true, false]);
        // Three entries and the names `a` and `b`.
        assert_eq!(known(3 * 8 + 3 + 3 + 8 + 6), [true, true, true, true, false]);
        assert_eq!(known(3 * 8 + 3 + 3 + 8 + 5), [true, false, true, true, false]);
        assert_eq!(known(3 * 8 + 3 + 3 - 1), [true, false, false, true, false]);
        assert_eq!(known(8 + 3), [false, false, false, true, false]);
        for capacity in 0..8 + 3 {
            assert_eq!(known(capacity), [false; 5]);
        }
        assert_eq!(read(100, &[(8, "x"), (8, "x")], 8), Some("x".to_owned()), "twice");
        let longest = "n".repeat(usize::from(u16::MAX) + 1);
        assert_eq!(read(1 << 20, &[(8, &longest), (9, "x")], 8), None);
        assert_eq!(read(1 << 20, &[(8, &longest[1..])], 8).as_deref(), Some(&longest[1..]));
    }
}
