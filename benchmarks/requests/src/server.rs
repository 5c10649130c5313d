//! A server: it parses a request, asks its data about each header, and writes an answer.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::time::Instant;

use measure::Sample;

/// Records in the server's data: about 8 MB.
const RECORDS: u64 = 1 << 16;
/// Requests in a sample.
const REQUESTS: usize = 64;

/// A parsed request.
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    /// Of everything in it.
    pub(crate) hash: u64,
    headers: Vec<(&'a str, &'a str)>,
}

/// What a hook would see.
pub(crate) struct Event<'a> {
    pub(crate) number: usize,
    pub(crate) request: &'a Request<'a>,
    pub(crate) answer: u64,
}

/// What the server knows.
pub(crate) struct State {
    records: HashMap<u64, [u64; 12], BuildHasherDefault<DefaultHasher>>,
}

/// A stage of a request: adds to the answer.
pub(crate) type Stages = &'static [fn(&Request<'_>, &State, &mut Vec<u8>)];

mod generated {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{Event, Request, Stages, State, on};

    include!(concat!(env!("OUT_DIR"), "/stages.rs"));
}

pub(crate) use generated::turn_off;

/// Returns the numbers of hooks, and for each the ways to have them.
pub(crate) fn ways() -> &'static [(usize, &'static [(&'static str, Stages)])] {
    generated::WAYS
}

/// What a hook does that is on.
#[cold]
#[inline(never)]
fn on(event: &Event<'_>) {
    black_box((event.number, event.request.path, event.answer));
}

/// A subscriber for which the levels below INFO are off.
pub(crate) struct Quiet;

impl tracing::Subscriber for Quiet {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

fn hash(text: &str, seed: u64) -> u64 {
    text.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

impl<'a> Request<'a> {
    /// Parses `GET path`, and headers.
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let path = lines.next()?.strip_prefix("GET ")?;
        let headers = lines.take_while(|line| !line.is_empty());
        let headers: Vec<_> = headers.map(|line| line.split_once(": ")).collect::<Option<_>>()?;
        let hash = headers.iter().fold(hash(path, 0), |sum, (_, value)| hash(value, sum));
        Some(Self { path, hash, headers })
    }
}

impl State {
    /// Asks the data about a header.
    #[inline(never)]
    pub(crate) fn step(&self, request: &Request<'_>, stage: usize) -> u64 {
        let (name, value) = request.headers[stage % request.headers.len()];
        let key = hash(value, hash(name, stage as u64)) % RECORDS;
        self.records.get(&key).map_or(0, |record| record[stage % record.len()])
    }

    /// Writes a part of the answer.
    #[inline(never)]
    pub(crate) fn answer(&self, answered: u64, answer: &mut Vec<u8>) {
        answer.extend_from_slice(&answered.to_le_bytes());
    }
}

/// A server with some hooks.
pub(crate) struct Server {
    state: State,
    stages: Stages,
    requests: Vec<String>,
}

impl Server {
    pub(crate) fn new(stages: Stages) -> Self {
        let record = |key: u64| (key, std::array::from_fn(|i| key.wrapping_mul(i as u64 + 3)));
        let state = State { records: (0..RECORDS).map(record).collect() };
        let request = |n: usize| {
            let headers: String =
                (0..12).map(|h| format!("X-Header-{h}: value {n} of {h}\r\n")).collect();
            format!("GET /items/{n}?sort=name\r\nHost: example\r\n{headers}\r\n")
        };
        Self { state, stages, requests: (0..REQUESTS).map(request).collect() }
    }

    /// Answers every request once. Returns the time for a request, and a hash of the answers.
    pub(crate) fn sample(&mut self) -> Sample {
        let mut result = 0;
        let start = Instant::now();
        for text in &self.requests {
            let mut answer = Vec::new();
            if let Some(request) = Request::parse(text) {
                for stage in black_box(self.stages) {
                    stage(&request, &self.state, &mut answer);
                }
            }
            result = answer
                .iter()
                .fold(result, |sum: u64, &byte| sum.rotate_left(5).wrapping_add(u64::from(byte)));
        }
        let ns = start.elapsed().as_secs_f64() * 1e9 / self.requests.len() as f64;
        Sample { ns, result }
    }
}
