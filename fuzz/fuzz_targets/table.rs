//! Puts any table into a valid image: only the true table is accepted as filled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use static_call::layout::{TableEntry, TableHeader};
use static_call_verify::report::TableState;
use static_call_verify::{Policy, verify};

const IMAGE: &[u8] = include_bytes!("../seeds/verify/pie.elf");
/// Capacity of the image's table.
const CAPACITY: usize = 20;

fuzz_target!(|bytes: &[u8]| {
    let mut image = IMAGE.to_vec();
    let at = image.windows(8).position(|w| w == b"STATCALL").expect("the image has a table");
    let room = TableHeader::SIZE + CAPACITY * TableEntry::SIZE;
    let size = bytes.len().min(room);
    image[at..at + size].copy_from_slice(&bytes[..size]);
    let report = verify(&image, &Policy::default());
    if let TableState::Filled { count, .. } = report.image.table {
        assert!(count as usize >= report.summary.inline, "{report}");
    }
});
