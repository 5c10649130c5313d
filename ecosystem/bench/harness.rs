//! Measures what a crate does, and prints it for `cargo xtask ecosystem`: a name, a tab,
//! nanoseconds.
#![allow(dead_code, reason = "each program needs only a part")]

use std::time::Instant;

/// Batches. The fastest counts, because other work on the machine only adds time.
const BATCHES: usize = 9;
/// The least number of nanoseconds for a batch.
const BATCH: u128 = 2_000_000;

/// Measures and prints how long one operation takes; a call of `work` does `operations` of them.
///
/// With `COUNT` set to a name, a tab and a number, the program calls the work of that name so many
/// times, and ends, so that its instructions can be counted. What comes before is done once.
pub fn measure(what: &str, operations: usize, mut work: impl FnMut()) {
    if let Ok(count) = std::env::var("COUNT") {
        let (name, calls) = count.split_once('\t').expect("a name, a tab and a number");
        if name == what {
            (0..calls.parse().expect("a number")).for_each(|_: u32| work());
            println!("{operations}");
            std::process::exit(0);
        }
        return work();
    }
    let mut batch = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            work();
        }
        start.elapsed().as_nanos()
    };
    let mut calls = 1;
    while batch(calls) < BATCH {
        calls *= 2;
    }
    let best = (0..BATCHES).map(|_| batch(calls)).min().unwrap_or_default();
    let time = best as f64 / f64::from(calls) / operations as f64;
    println!("{what}\t{time}");
}

/// Measures and prints how long a switch takes. There and back are two switches.
pub fn measure_switch(mut switch: impl FnMut(bool)) {
    measure("a switch", 2, || {
        switch(true);
        switch(false);
    });
}

/// Returns words and lines that look like a log or source text to a search. The text is always the
/// same.
pub fn text(len: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the",
        "request",
        "of",
        "connection",
        "closed",
        "by",
        "peer",
        "after",
        "error",
        "a",
        "warning:",
        "10.0.0.1",
        "status=200",
        "in",
        "retrying",
        "timeout",
    ];
    let (mut text, mut state) = (Vec::with_capacity(len + 16), 0x9e37_79b9_7f4a_7c15_u64);
    while text.len() < len {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend(WORDS[(state >> 60) as usize].bytes());
        text.push(if (state >> 32) % 12 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(len);
    text
}
