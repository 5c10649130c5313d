//! XXH3 of records of two sizes, and of what is written in small pieces: a key, and a stream.

mod harness;

use std::hash::Hasher as _;
use std::hint::black_box;

use harness::measure;
use twox_hash::XxHash3_64;
use twox_hash::xxhash3_64::{RawHasher, SecretBuffer};

/// Bytes that differ enough for a secret.
static SECRET: [u8; 192] = {
    let mut secret = [0; 192];
    let mut n = 0;
    while n < secret.len() {
        secret[n] = (n * n * 7 + n * 13 + 5) as u8;
        n += 1;
    }
    secret
};

/// Hashes what a derived `Hash` writes for a key of three numbers.
fn key(numbers: [u64; 3]) -> u64 {
    let mut hasher = RawHasher::new(SecretBuffer::new(0, &SECRET).ok().unwrap());
    for number in numbers {
        hasher.write_u64(number);
    }
    hasher.finish()
}

fn run(suffix: &str) {
    let data = harness::text(1 << 16);
    for (what, size) in [("256 bytes", 256), ("64 KiB", 1 << 16)] {
        measure(&format!("XXH3, {what}{suffix}"), data.len() / size, || {
            for record in data.chunks(size) {
                black_box(XxHash3_64::oneshot(black_box(record)));
            }
        });
    }
    measure(&format!("XXH3, a key of three numbers{suffix}"), 64, || {
        for n in 0..64 {
            black_box(key(black_box([n, n + 1, n + 2])));
        }
    });
    let mut hasher = XxHash3_64::new();
    measure(&format!("XXH3, a write of 16 bytes{suffix}"), data.len() / 16, || {
        for piece in data.chunks(16) {
            hasher.write(black_box(piece));
        }
        black_box(hasher.finish());
    });
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    run("");
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| drop(twox_hash::set_portable(yes).unwrap()));
        twox_hash::set_portable(true).unwrap();
        run(" (switched)");
    }
}
