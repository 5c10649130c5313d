//! The generated workloads: many keys, many sites.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use static_call::{CallReport, Path};

use crate::{Cold, Description, Memory, Neighbour, Way, Workload};

/// A generated set of keys and calls.
pub struct Grid {
    /// Its workload's name.
    pub name: &'static str,
    /// Calls in a pass.
    pub pass: u64,
    /// Calls in a request.
    pub request: u64,
    /// Whether to measure requests, instead of passes.
    pub requests: bool,
    /// The ways to make its calls.
    pub ways: &'static [GridWay],
}

/// A way to make its calls.
pub struct GridWay {
    /// Its name.
    pub name: &'static str,
    /// Stores what the compiler must not know.
    pub prepare: fn(),
    /// Makes all calls.
    pub pass: fn(u64) -> u64,
    /// Makes the calls of the request of this number.
    pub request: fn(u64, u64) -> u64,
}

/// Data that a request touches before its calls.
const TOUCHED: [(&str, usize); 4] = [
    ("0.25 MB touched", 1 << 18),
    ("1 MB touched", 1 << 20),
    ("8 MB touched", 8 << 20),
    ("40 MB touched", 40 << 20),
];

/// Returns the workloads of generated grids.
///
/// # Errors
///
/// A second program cannot be started.
pub fn workloads(grids: &[Grid]) -> io::Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    for grid in grids {
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

/// Returns how many static calls the program has, and which paths they take.
pub fn paths() -> Description {
    let report = static_call::report();
    let count = |is: fn(&CallReport) -> bool| {
        report.sites().flat_map(|site| &site.calls).filter(|call| is(call)).count().to_string()
    };
    vec![
        ("calls", count(|_| true)),
        ("inline", count(|call| call.path == Path::Inline)),
        ("in steps", count(|call| call.steps)),
        ("trampoline", count(|call| call.path == Path::Trampoline)),
        ("indirect", count(|call| call.path == Path::Indirect)),
    ]
}
