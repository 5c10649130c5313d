//! Checksums of records of three sizes.

mod harness;

use std::hint::black_box;

use harness::measure;

fn run(suffix: &str) {
    let data = harness::text(1 << 16);
    for (what, size) in [("16 bytes", 16), ("256 bytes", 256), ("64 KiB", 1 << 16)] {
        measure(&format!("hash, {what}{suffix}"), data.len() / size, || {
            for record in data.chunks(size) {
                black_box(crc32fast::hash(black_box(record)));
            }
        });
    }
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    run("");
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| drop(crc32fast::set_portable(yes).unwrap()));
        crc32fast::set_portable(true).unwrap();
        run(" (switched)");
    }
}
