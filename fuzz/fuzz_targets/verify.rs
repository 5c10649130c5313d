//! Verifies whole files. The mutator knows ELF headers, sections, relocations, symbols, unwind
//! tables and the table.
#![no_main]

#[path = "../../static-call-verify/tests/hostile/mod.rs"]
mod hostile;

use hostile::{Random, check, check_all, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    // Stamping and the rest take five times as long.
    match bytes.last() {
        Some(last) if last % 16 == 0 => check_all(bytes),
        _ => drop(check(bytes)),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed.into());
    if random.next() % 16 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..=random.next() % 3 {
        mutate(&mut data[..size], &mut random);
    }
    size
});
