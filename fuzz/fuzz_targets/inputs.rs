//! Counts the relocations of a link's inputs: objects and archives.
#![no_main]

#[path = "../../static-call-verify/tests/hostile/mod.rs"]
mod hostile;

use hostile::{Random, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use static_call_verify::InputCounter;

fuzz_target!(|bytes: &[u8]| {
    let mut counter = InputCounter::default();
    counter.add(bytes);
    let references = bytes.len() / 24;
    assert!(counter.entries() as usize <= references);
    assert!(counter.labels() as usize <= references * 2 + 1);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed.into());
    if random.next() % 8 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    // An archive begins with its own header and its first member's.
    let start = if data[..size].starts_with(b"!<arch>\n") { 68.min(size) } else { 0 };
    mutate(&mut data[start..size], &mut random);
    size
});
