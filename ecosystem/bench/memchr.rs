//! Searches for bytes: near ones, as when splitting text, and one that does not occur.

mod harness;

use std::hint::black_box;

use harness::measure;
use memchr::{memchr, memchr_iter, memchr2};

fn run(suffix: &str) {
    let text = harness::text(1 << 16);
    let words = memchr_iter(b' ', &text).count();
    measure(&format!("memchr, words{suffix}"), words, || {
        let mut rest = &text[..];
        while let Some(end) = memchr(b' ', black_box(rest)) {
            rest = &rest[end + 1..];
        }
    });
    let lines = memchr_iter(b'\n', &text).count();
    measure(&format!("memchr2, lines{suffix}"), lines, || {
        let mut rest = &text[..];
        while let Some(end) = memchr2(b'\n', b'\r', black_box(rest)) {
            rest = &rest[end + 1..];
        }
    });
    measure(&format!("memchr, 64 KiB{suffix}"), 1, || {
        assert_eq!(memchr(b'#', black_box(&text)), None);
    });
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    run("");
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| drop(memchr::set_portable(yes).unwrap()));
        memchr::set_portable(true).unwrap();
        run(" (switched)");
    }
}
