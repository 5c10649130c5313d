//! Reads sections that are right, damaged, and damaged with a right checksum.

use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const IDENTITY: u64 = 0x1234_5678_9abc_def0;
const ADDRESS: u64 = 0x7f00_0000_1000;

/// Returns a section with these entries and names, and some room.
fn section(entries: &[(i32, u32)], names: &[u8]) -> Vec<u8> {
    let entries: Vec<u8> = entries
        .iter()
        .flat_map(|&(instruction, name)| PlaceEntry { instruction, name }.to_bytes())
        .collect();
    let filled = [&entries, names].concat();
    let header = PlacesHeader {
        version: PLACES_VERSION,
        capacity: filled.len() as u32 + 8,
        count: (entries.len() / PlaceEntry::SIZE) as u32,
        names: names.len() as u32,
        identity: IDENTITY,
        checksum: checksum(&filled),
    };
    [&header.to_bytes()[..], &filled, &[0; 8]].concat()
}

/// Returns a section of three calls in two functions.
fn sound() -> Vec<u8> {
    section(&[(-4096, 0), (-4000, 8), (i32::MAX, 0)], b"\x06\0app::a\x05\0app::")
}

fn read(section: &[u8]) -> Result<Places<'_>, PlacesFault> {
    Places::read(section, ADDRESS, IDENTITY).map(|places| places.expect("it is filled"))
}

fn at(offset: i64) -> u64 {
    ADDRESS.wrapping_add_signed(offset)
}

#[test]
fn functions_are_found_by_address() {
    let section = sound();
    let places = read(&section).unwrap();
    let of = |offset| places.function(at(offset));
    assert_eq!(
        [of(-4096), of(-4000), of(i32::MAX.into())],
        [Some("app::a"), Some("app::"), Some("app::a")]
    );
    for offset in [-4097, -4095, 0, i64::from(i32::MAX) + 1, i64::MIN] {
        assert_eq!(of(offset), None, "{offset}");
    }
    let empty = self::section(&[], b"");
    assert_eq!(read(&empty).unwrap().function(ADDRESS), None);
}

#[test]
fn a_damaged_section_is_refused() {
    let sound = sound();
    let fault = |section: &[u8]| read(section).map(|_| ()).unwrap_err();
    let with = |at: usize, bytes: &[u8]| {
        let mut section = sound.clone();
        section[at..at + bytes.len()].copy_from_slice(bytes);
        section
    };
    assert_eq!(fault(&[]), PlacesFault::Malformed);
    assert_eq!(fault(&with(0, b"x")), PlacesFault::Malformed);
    let never_filled = with(8, &[0]);
    assert!(matches!(Places::read(&never_filled, ADDRESS, IDENTITY), Ok(None)));
    assert_eq!(fault(&with(8, &[9])), PlacesFault::Version(9));
    // Less room than entries and names need, and more of them than there are bytes.
    assert_eq!(fault(&with(12, &[1])), PlacesFault::Malformed);
    assert_eq!(fault(&with(12, &[0xff; 8])), PlacesFault::Malformed);
    assert_eq!(fault(&with(12, &[0xff; 12])), PlacesFault::Malformed);
    let other = Places::read(&sound, ADDRESS, IDENTITY ^ 1).map(|_| ());
    assert_eq!(other, Err(PlacesFault::OtherImage));
    let filled = sound.len() - 8;
    for end in 0..filled {
        assert_eq!(fault(&sound[..end]), PlacesFault::Malformed, "cut at {end}");
    }
    for (at, byte) in sound[..filled].iter().enumerate() {
        let flipped = with(at, &[byte ^ 0x10]);
        // More room than there is does no harm.
        let is_capacity = (12..16).contains(&at);
        assert_eq!(read(&flipped).is_ok(), is_capacity, "byte {at}");
    }
    assert!(read(&with(filled, &[7; 8])).is_ok(), "the rest means nothing");
}

/// Entries that lead nowhere name nothing, and the others still name their functions.
#[test]
fn a_wrong_entry_names_nothing() {
    let names = b"\x01\0a\x02\0\xff\xff\xff\xff";
    let wrong = [3, 7, 8, 9, u32::MAX];
    for name in wrong {
        let section = section(&[(0, name), (8, 0)], names);
        let places = read(&section).unwrap();
        assert_eq!(places.function(at(8)), Some("a"));
        assert_eq!(places.function(at(0)), None, "{name}");
    }
}

proptest! {
    /// The reader never panics, whatever it reads, and finds what a search from the start finds.
    #[test]
    fn any_entries_can_be_read(
        mut entries in prop::collection::vec((any::<i32>(), 0..40_u32), 0..20),
        names in prop::collection::vec(0..4_u8, 0..40),
        others in prop::collection::vec(any::<u64>(), 4),
    ) {
        entries.sort_unstable();
        entries.dedup_by_key(|(instruction, _)| *instruction);
        let section = section(&entries, &names);
        let places = read(&section).unwrap();
        let naive = |name: u32| {
            let text = names.get(name as usize..)?;
            let [low, high, text @ ..] = text else { return None };
            let text = text.get(..usize::from(*low) + usize::from(*high) * 256)?;
            String::from_utf8(text.to_vec()).ok()
        };
        for &(instruction, name) in &entries {
            let expected = naive(name);
            prop_assert_eq!(places.function(at(instruction.into())), expected.as_deref());
        }
        for other in others {
            let _ = places.function(other);
        }
    }

    /// The same for bytes that are not in order.
    #[test]
    fn any_bytes_can_be_read(
        filled in prop::collection::vec(any::<u8>(), 8..80),
        count in 0..11_u32,
    ) {
        let count = count.min(filled.len() as u32 / 8);
        let names = filled.len() as u32 - count * 8;
        let header = PlacesHeader {
            version: PLACES_VERSION,
            capacity: u32::MAX,
            count,
            names,
            identity: IDENTITY,
            checksum: checksum(&filled),
        };
        prop_assert_eq!(PlacesHeader::from_bytes(&header.to_bytes()), Some(header));
        let section = [&header.to_bytes()[..], &filled].concat();
        let places = read(&section).unwrap();
        for entry in filled.as_chunks().0.iter().take(count as usize) {
            let entry = PlaceEntry::from_bytes(entry);
            prop_assert_eq!(PlaceEntry::from_bytes(&entry.to_bytes()), entry);
            let _ = places.function(at(entry.instruction.into()));
        }
    }
}
