//! Inflates text, and computes Adler-32 of data.

mod harness;

use std::hint::black_box;

use harness::measure;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_slice_iter_to_slice;

fn run(suffix: &str) {
    let text = harness::text(1 << 18);
    let compressed = compress_to_vec_zlib(&text, 6);
    // Into allocated memory, because allocating would cost as much as some of the work.
    let mut inflated = vec![0; text.len()];
    measure(&format!("inflate, 256 KiB{suffix}"), 1, || {
        let parts = [black_box(&compressed[..])];
        let len = decompress_slice_iter_to_slice(&mut inflated, parts.into_iter(), true, false);
        assert_eq!(len.unwrap(), text.len());
    });
    assert_eq!(inflated, text);
    measure(&format!("Adler-32, 64 bytes{suffix}"), text.len() / 64, || {
        for record in text.chunks(64) {
            black_box(miniz_oxide::mz_adler32_oxide(1, black_box(record)));
        }
    });
    measure(&format!("Adler-32, 256 KiB{suffix}"), 1, || {
        black_box(miniz_oxide::mz_adler32_oxide(1, black_box(&text)));
    });
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    run("");
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| drop(miniz_oxide::set_portable(yes).unwrap()));
        miniz_oxide::set_portable(true).unwrap();
        run(" (switched)");
    }
}
