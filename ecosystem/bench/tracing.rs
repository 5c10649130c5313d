//! Runs events and spans that are off: by their level, in a loop that does little else, and by a
//! filter of targets. And events that are on.

mod harness;

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::measure;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, callsite, debug, info, trace, trace_span};

static EVENTS: AtomicUsize = AtomicUsize::new(0);
static VERBOSE: AtomicUsize = AtomicUsize::new(0);

/// Wants no event of the target `quiet`.
struct Counter;

impl Subscriber for Counter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "quiet"
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let verbose = VERBOSE.load(Ordering::Relaxed) != 0;
        Some(if verbose { LevelFilter::TRACE } else { LevelFilter::INFO })
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        EVENTS.fetch_add(event.metadata().target().len(), Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Does and logs what a parser would for a byte.
fn step(sum: u64, byte: u8) -> u64 {
    trace!(byte, sum, "a byte");
    let sum = sum.rotate_left(5) ^ u64::from(byte);
    if byte == b'\n' {
        debug!(sum, "the end of a line");
    }
    sum
}

/// The same in a span.
#[inline(never)]
fn step_in_span(sum: u64, byte: u8) -> u64 {
    let _entered = trace_span!("step", byte).entered();
    sum.rotate_left(5) ^ u64::from(byte)
}

fn run(suffix: &str) {
    let text = harness::text(1 << 12);
    measure(&format!("events that are off{suffix}"), text.len(), || {
        black_box(black_box(&text[..]).iter().fold(0, |sum, &byte| step(sum, byte)));
    });
    measure(&format!("spans that are off{suffix}"), text.len(), || {
        black_box(black_box(&text[..]).iter().fold(0, |sum, &byte| step_in_span(sum, byte)));
    });
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    tracing::subscriber::set_global_default(Counter).unwrap();
    run("");
    measure("events that a filter refuses", 64, || {
        for n in 0..64 {
            info!(target: "quiet", n = black_box(n));
        }
    });
    measure("events that are on", 64, || {
        for n in 0..64 {
            info!(n = black_box(n));
        }
    });
    #[cfg(feature = "patched")]
    {
        let set = |yes: bool| {
            VERBOSE.store(yes.into(), Ordering::Relaxed);
            callsite::rebuild_interest_cache();
        };
        harness::measure_switch(set);
        set(true);
        run(" (switched)");
    }
    assert_ne!(EVENTS.load(Ordering::Relaxed), 0);
}
