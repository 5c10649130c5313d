//! The checks of the table, and the image of this test itself.

use std::vec::Vec;

use super::*;
use crate::layout::{Grade, Kind, TABLE_VERSION, checksum};

const IDENTITY: u64 = 0x1234_5678_9abc_def0;

/// Returns a valid table, with room for one entry more than it has.
fn table() -> Vec<u8> {
    let entry = TableEntry {
        instruction: -4096,
        trampoline: -8192,
        kind: Kind::Call,
        grade: Grade::Quad,
        length: 5,
    };
    let entries = [entry.to_bytes(), entry.to_bytes()].concat();
    let header = TableHeader {
        version: TABLE_VERSION,
        capacity: 3,
        count: 2,
        identity: IDENTITY,
        checksum: checksum(&entries),
    };
    [&header.to_bytes()[..], &entries, &[0; TableEntry::SIZE]].concat()
}

/// Returns the table with other bytes from `at`.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut table = table();
    table[at..at + bytes.len()].copy_from_slice(bytes);
    table
}

#[test]
fn a_table_is_trusted_only_if_everything_is_right() {
    assert_eq!(check_table(&table(), IDENTITY).map(|header| header.count), Ok(2));
    let fault = |table: &[u8]| check_table(table, IDENTITY).map(|_| ()).unwrap_err();

    assert_eq!(fault(&[]), TableFault::Malformed);
    assert_eq!(fault(&table()[..TableHeader::SIZE - 1]), TableFault::Malformed);
    assert_eq!(fault(&with(0, b"s")), TableFault::Malformed);
    assert_eq!(fault(&with(20, &[1])), TableFault::Malformed);
    assert_eq!(fault(&with(8, &0_u32.to_le_bytes())), TableFault::Empty);
    let next = TABLE_VERSION + 1;
    assert_eq!(fault(&with(8, &next.to_le_bytes())), TableFault::Version(next));
    // More entries than the capacity, than there are bytes, and than `usize` arithmetic can hold.
    assert_eq!(fault(&with(12, &1_u32.to_le_bytes())), TableFault::Malformed);
    assert_eq!(fault(&table()[..TableHeader::SIZE + TableEntry::SIZE]), TableFault::Malformed);
    let most = [u32::MAX.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
    assert_eq!(fault(&with(12, &most)), TableFault::Malformed);
    let other = check_table(&table(), IDENTITY ^ 1);
    assert_eq!(other, Err(TableFault::OtherImage));
    assert_eq!(fault(&with(24, &[0])), TableFault::OtherImage);
    // The checksum covers each byte of the entries, but not the room after them.
    for at in TableHeader::SIZE..TableHeader::SIZE + 2 * TableEntry::SIZE {
        let flipped = table()[at] ^ 0x10;
        assert_eq!(fault(&with(at, &[flipped])), TableFault::Changed, "byte {at}");
    }
    assert!(check_table(&with(TableHeader::SIZE + 2 * TableEntry::SIZE, &[9]), IDENTITY).is_ok());
}

/// Returns a header of which only the kind, the addresses and the protection matter.
fn segment(kind: u32, flags: u32, address: u64, size: u64) -> ProgramHeader {
    ProgramHeader {
        kind,
        flags,
        offset: 0,
        address,
        physical: 0,
        file_size: size,
        memory_size: size,
        align: 4096,
    }
}

#[test]
fn code_is_what_lies_whole_in_an_executable_segment() {
    let headers = Vec::leak(std::vec![
        segment(LOAD, 4, 0, 0x1000),
        segment(LOAD, 5, 0x1000, 0x234),
        segment(LOAD, 6, 0x3000, 0x1000),
        segment(LOAD, 5, 0x5000, 0x10),
        segment(RELRO, 5, 0x3000, 0x800),
    ]);
    let bias = 0x5555_0000_0000;
    let image = Image::new(bias, headers);
    assert_eq!(image.code(bias + 0x1000, 8), Some(5));
    assert_eq!(image.code(bias + 0x122c, 8), Some(5));
    assert_eq!(image.code(bias + 0x122d, 8), None, "ends in the segment's padding");
    assert_eq!(image.code(bias + 0x0ffc, 8), None, "begins before it");
    assert_eq!(image.code(bias + 0x3000, 8), None, "not executable");
    assert_eq!(image.code(bias + 0x5008, 8), Some(5), "a second segment of code");
    assert_eq!(image.code(bias + 0x5009, 8), None);
    assert_eq!(image.code(0x1000, 8), None, "not in this image");
    assert_eq!(image.code(usize::MAX, 8), None);
    assert_eq!(image.constant(bias + 0x3800), None, "not read-only after relocation");
}

/// Only what a loader may unload is freed: not a program, be it dynamic, static, or static and
/// position-independent.
#[test]
fn a_shared_object_is_no_program() {
    let is_shared = |mut headers: Vec<ProgramHeader>, dynamic: &'static [[u64; 2]], is_program| {
        headers.push(segment(LOAD, 5, 0x1000, 0x234));
        let address = (&raw const *dynamic).expose_provenance() as u64;
        headers.push(segment(DYNAMIC, 6, address, size_of_val(dynamic) as u64));
        Image { is_program, ..Image::new(0, headers.leak()) }.is_shared_object()
    };
    const PIE: &[[u64; 2]] = &[[1, 2], [FLAGS_1, IS_PROGRAM | 1], [0, 0]];
    const OTHER: &[[u64; 2]] = &[[1, IS_PROGRAM], [FLAGS_1, 1], [0, 0]];
    assert!(is_shared(std::vec![], OTHER, false));
    assert!(!is_shared(std::vec![], PIE, false));
    assert!(!is_shared(std::vec![], OTHER, true));
    assert!(!is_shared(std::vec![segment(INTERPRETER, 4, 0, 8)], OTHER, false));
    assert!(!Image::this().unwrap().is_shared_object());
}

#[test]
fn this_image_is_read_as_it_is() {
    let image = Image::this().expect("the headers are in memory");
    let code = this_image_is_read_as_it_is as *const u8;
    for offset in 0..64 {
        let at = code.wrapping_add(offset);
        let (bytes, have) = image.read(at.addr());
        assert!(have > 8, "this function is followed by code");
        // SAFETY: INV-TEXT: `have` bytes from `at` are code of this test's image.
        let expected = unsafe { slice::from_raw_parts(at, have) };
        assert_eq!(&bytes[..have], expected);
        for length in 1..=8 {
            let mut padded = [0; 8];
            padded[..length].copy_from_slice(&bytes[..length]);
            assert_eq!(
                image.instruction(at.addr(), length),
                Some(u64::from_le_bytes(padded)),
                "{offset} {length}"
            );
        }
        let quadword = image.quadword(at.addr());
        assert_eq!(quadword.is_some(), at.addr() % 8 == 0);
    }
    let data = &raw const IDENTITY_IN_DATA;
    assert_eq!(image.code(data.addr(), 1), None);
    assert_eq!(image.read(data.addr()).1, 0, "data is not read as code");
    assert_eq!(image.instruction(data.addr(), 5), None);
    // The static holds a pointer, so the loader relocates it and then makes its page read-only.
    assert_eq!(image.constant(data.addr()), Some(code.addr()));
    assert_eq!(image.constant(data.addr() + 4), None, "not aligned");
}

/// Constant data with a relocation.
static IDENTITY_IN_DATA: fn() = this_image_is_read_as_it_is;
