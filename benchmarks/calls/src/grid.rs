//! The generated workloads: many keys, many sites.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use measure::{Cold, Memory, Neighbour, Way, Workload};

/// A generated set of keys and calls.
pub(crate) struct Grid {
    name: &'static str,
    /// Calls in a pass.
    pass: u64,
    /// Calls in a request.
    request: u64,
    /// Whether to measure requests, instead of passes.
    requests: bool,
    ways: &'static [GridWay],
}

/// A way to make its calls.
pub(crate) struct GridWay {
    name: &'static str,
    prepare: fn(),
    pass: fn(u64) -> u64,
    request: fn(u64, u64) -> u64,
}

mod generated {
    #![allow(unused_braces, reason = "macros of other crates make them")]
    use super::{Grid, GridWay};
    include!(concat!(env!("OUT_DIR"), "/grids.rs"));
}

pub(crate) use generated::switch;

/// Data that a request touches before its calls.
const TOUCHED: [(&str, usize); 4] = [
    ("0.25 MB touched", 1 << 18),
    ("1 MB touched", 1 << 20),
    ("8 MB touched", 8 << 20),
    ("40 MB touched", 40 << 20),
];

/// Returns the workloads.
pub(crate) fn workloads() -> io::Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    for grid in generated::GRIDS {
        grid.ways.iter().for_each(|way| (way.prepare)());
        if !grid.requests {
            let ways = grid.ways.iter().map(|way| Way::hot(way.name, grid.pass, way.pass));
            workloads.push(Workload::new(grid.name, ways));
            continue;
        }
        let cold = |name: &str, before: Rc<RefCell<dyn Cold>>| {
            let way =
                |way: &GridWay| Way::cold(way.name, grid.request, before.clone(), way.request);
            Workload::new(name, grid.ways.iter().map(way))
        };
        for (name, bytes) in TOUCHED {
            workloads.push(cold(name, Rc::new(RefCell::new(Memory::new(bytes)))));
        }
        let neighbour = Rc::new(RefCell::new(Neighbour::start()?));
        workloads.push(cold("another program on the core", neighbour));
    }
    Ok(workloads)
}
