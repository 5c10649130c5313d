//! Runs log statements that are off, in a loop that does little else, and some that are on.

mod harness;

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::measure;
use log::{LevelFilter, Log, Metadata, Record, debug, info, trace};

struct Counter(AtomicUsize);

impl Log for Counter {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        self.0.fetch_add(record.target().len(), Ordering::Relaxed);
    }

    fn flush(&self) {}
}

static COUNTER: Counter = Counter(AtomicUsize::new(0));

/// Does and logs what a parser would for a byte.
fn step(sum: u64, byte: u8) -> u64 {
    trace!("{byte} after {sum}");
    let sum = sum.rotate_left(5) ^ u64::from(byte);
    if byte == b'\n' {
        debug!("the end of a line: {sum}");
    }
    sum
}

fn run(suffix: &str) {
    let text = harness::text(1 << 12);
    measure(&format!("statements that are off{suffix}"), text.len(), || {
        black_box(black_box(&text[..]).iter().fold(0, |sum, &byte| step(sum, byte)));
    });
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    log::set_logger(&COUNTER).unwrap();
    log::set_max_level(LevelFilter::Info);
    run("");
    measure("statements that are on", 64, || {
        for n in 0..64 {
            info!("{}", black_box(n));
        }
    });
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| {
            log::set_max_level(if yes { LevelFilter::Trace } else { LevelFilter::Info });
        });
        log::set_max_level(LevelFilter::Trace);
        run(" (switched)");
    }
    assert_ne!(COUNTER.0.load(Ordering::Relaxed), 0);
}
