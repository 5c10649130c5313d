//! What is written is read back, and anything else is refused.

use std::format;

use proptest::prelude::*;

use super::*;

fn header() -> impl Strategy<Value = TableHeader> {
    any::<(u32, u32, u32, u64, u64)>().prop_map(|(version, capacity, count, identity, checksum)| {
        TableHeader { version, capacity, count, identity, checksum }
    })
}

fn entry() -> impl Strategy<Value = TableEntry> {
    (any::<(i32, i32, u8)>(), 1..=7_u8, 1..=5_u8).prop_map(|((i, t, length), kind, grade)| {
        TableEntry {
            instruction: i,
            trampoline: t,
            kind: Kind::from_byte(kind).unwrap(),
            grade: Grade::from_byte(grade).unwrap(),
            length,
        }
    })
}

proptest! {
    #[test]
    fn headers_round_trip(header in header(), at in 0..TableHeader::SIZE, other: u8) {
        let bytes = header.to_bytes();
        prop_assert_eq!(TableHeader::from_bytes(&bytes), Some(header));
        let mut changed = bytes;
        changed[at] = other;
        match TableHeader::from_bytes(&changed) {
            Some(read) => {
                prop_assert!((8..20).contains(&at) || at >= 24 || changed == bytes);
                prop_assert_eq!(read == header, changed == bytes);
            }
            None => prop_assert!(at < 8 || (20..24).contains(&at)),
        }
    }

    #[test]
    fn entries_round_trip(entry in entry(), at in 0..TableEntry::SIZE, other: u8) {
        let bytes = entry.to_bytes();
        prop_assert_eq!(TableEntry::from_bytes(&bytes), Some(entry));
        let mut changed = bytes;
        changed[at] = other;
        let expected = match at {
            8 => (1..=7).contains(&other),
            9 => (1..=5).contains(&other),
            11 => other == 0,
            _ => true,
        };
        let read = TableEntry::from_bytes(&changed);
        prop_assert_eq!(read.is_some(), expected);
        prop_assert!(read != Some(entry) || changed == bytes);
    }

    /// The checksum notices any change of one byte: FNV-1a multiplies by an odd number, so it loses
    /// nothing.
    #[test]
    fn the_checksum_notices_every_byte(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        at: prop::sample::Index,
        other: u8,
    ) {
        let at = at.index(bytes.len());
        let mut changed = bytes.clone();
        changed[at] = other;
        prop_assert_eq!(checksum(&changed) == checksum(&bytes), changed == bytes);
        prop_assert_ne!(checksum(&bytes[1..]), checksum(&bytes));
    }

    #[test]
    fn the_identity_notices_every_segment(
        segments in prop::collection::vec(any::<(u64, u64, u32)>(), 1..6),
        at: prop::sample::Index,
    ) {
        let of = |segments: &[(u64, u64, u32)]| {
            image_identity(
                segments.iter().map(|&(address, size, flags)| Segment { address, size, flags }),
            )
        };
        let at = at.index(segments.len());
        let mut moved = segments.clone();
        moved[at].0 ^= 0x1000;
        let mut grown = segments.clone();
        grown[at].1 ^= 1;
        let mut opened = segments.clone();
        opened[at].2 ^= 2;
        for other in [&moved[..], &grown, &opened, &segments[1..]] {
            prop_assert_ne!(of(other), of(&segments));
        }
    }

    #[test]
    fn records_lead_where_their_fields_say(
        address in 0x1_0000_0000..0x7fff_0000_0000_u64,
        trampoline: i32,
        stub: i32,
        site in prop_oneof![Just(0), any::<u64>()],
    ) {
        let mut bytes = [0; TrampolineRecord::SIZE];
        bytes[..4].copy_from_slice(&trampoline.to_le_bytes());
        bytes[4..8].copy_from_slice(&stub.to_le_bytes());
        bytes[8..].copy_from_slice(&site.to_le_bytes());
        let record = TrampolineRecord::from_bytes(&bytes);
        let address = address * 4;
        let at = |field: i64, value: i32| (address as i64 + field + i64::from(value)) as u64;
        let expected = (at(0, trampoline), at(4, stub), SiteId::from_u64(site));
        prop_assert_eq!(record.parts(address), expected);
        prop_assert_eq!(SiteId::from_u64(site).is_some(), site != 0);
        prop_assert_eq!(size_of::<TrampolineRecord>(), TrampolineRecord::SIZE);
    }

    #[test]
    fn records_of_labels_lead_where_their_fields_say(
        address in 0x1_0000_0000..0x7fff_0000_0000_u64,
        fields: [i32; 3],
        polarity in 0..4_u32,
        site in prop_oneof![Just(0), any::<u64>()],
    ) {
        let [label, test, stub] = fields;
        let mut bytes = [0; LabelRecord::SIZE];
        for (field, value) in bytes.chunks_mut(4).zip([label, test, stub, polarity as i32]) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        bytes[16..].copy_from_slice(&site.to_le_bytes());
        let record = LabelRecord::from_bytes(&bytes);
        let address = address * 4;
        let at = |field: i64, value: i32| (address as i64 + field + i64::from(value)) as u64;
        let expected = (at(0, label), at(4, test), at(8, stub), SiteId::from_u64(site));
        prop_assert_eq!(record.parts(address), expected);
        let expected = [None, Some(Polarity::Unlikely), Some(Polarity::Likely), None];
        prop_assert_eq!(Polarity::from_word(record.polarity), expected[polarity as usize]);
        prop_assert_eq!(size_of::<LabelRecord>(), LabelRecord::SIZE);
    }
}

#[test]
fn names_carry_the_version() {
    let sections = [
        TRAMPOLINES_SECTION,
        LABELS_SECTION,
        TABLE_SECTION,
        PLACES_SECTION,
        RUNTIME_SECTION,
        KEYS_SECTION,
        SITES_SECTION,
    ];
    for name in sections {
        assert!(name.to_ascii_lowercase().contains("static_call_0_1_"), "{name}");
        assert!(name.contains(RECORDS), "{name}");
    }
}

/// The known value was computed by another program: the verifier and every crate of a program must
/// agree on it.
#[test]
fn sites_have_names_of_their_own() {
    let id = site_id("a", 1, 2, "f");
    assert_eq!(id, 0x3095_a840_2469_d668);
    let others = [
        site_id("b", 1, 2, "f"),
        site_id("a", 2, 1, "f"),
        site_id("a", 1, 3, "f"),
        site_id("a", 1, 2, "g"),
        site_id("af", 1, 2, ""),
        site_id("", 1, 2, "af"),
    ];
    assert!(others.iter().all(|&other| other != id && other != 0));
    assert_ne!(others[4], others[5]);
}

#[test]
fn what_may_be_patched() {
    for byte in 0..=u8::MAX {
        let direct = Kind::from_byte(byte).is_some_and(Kind::is_direct);
        assert_eq!(direct, (1..=3).contains(&byte), "kind {byte}");
        let patchable = Grade::from_byte(byte).is_some_and(Grade::is_patchable);
        assert_eq!(patchable, (1..=4).contains(&byte), "grade {byte}");
        let steps = Grade::from_byte(byte).is_some_and(Grade::takes_steps);
        assert_eq!(steps, (3..=4).contains(&byte), "grade {byte}");
    }
}

#[test]
fn written_names_have_the_version() {
    assert_eq!(crate::__section!(keys "linkme"), format!("linkme_STATIC_CALL_{RECORDS}_KEYS"));
    let push = format!(".pushsection {TRAMPOLINES_SECTION},\"ao\",@progbits,{{me}}");
    assert_eq!(crate::__section!(push_trampolines), push);
}
