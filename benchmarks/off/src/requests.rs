//! The generated workloads: five hundred checks in a request, which has touched data before.

use std::cell::RefCell;
use std::rc::Rc;

use measure::{Memory, Way, Workload};

/// A way to check.
struct RequestWay {
    name: &'static str,
    prepare: fn(),
    request: fn(u64, u64) -> u64,
}

mod generated {
    #![allow(unused_imports, unused_mut, unused_assignments, reason = "not every way needs all")]
    use super::RequestWay;
    include!(concat!(env!("OUT_DIR"), "/requests.rs"));
}

/// Data that a request touches before its checks.
const TOUCHED: [(&str, usize); 4] = [
    ("0.25 MB touched", 1 << 18),
    ("1 MB touched", 1 << 20),
    ("8 MB touched", 8 << 20),
    ("40 MB touched", 40 << 20),
];

/// Returns the workloads.
pub(crate) fn workloads() -> Vec<Workload> {
    generated::WAYS.iter().for_each(|way| (way.prepare)());
    let workload = |(name, bytes)| {
        let before = Rc::new(RefCell::new(Memory::new(bytes)));
        let way =
            |way: &RequestWay| Way::cold(way.name, generated::CHECKS, before.clone(), way.request);
        Workload::new(name, generated::WAYS.iter().map(way))
    };
    TOUCHED.into_iter().map(workload).collect()
}
