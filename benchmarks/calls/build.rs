//! Generates the program's large workloads.

use std::error::Error;

use grids::{Grid, Way};

/// Requests in the last workload.
const REQUESTS: usize = 16;

/// The ways, in the order of tables.
const WAYS: [Way; 13] = [
    Way::Direct,
    Way::Again,
    Way::Static,
    Way::Atomic,
    Way::Together,
    Way::Once,
    Way::Dyn,
    Way::BoxFn,
    Way::ArcSwap,
    Way::Multiversion,
    Way::Ifunc,
    Way::StaticKeys,
    Way::StaticKey,
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    grids::build(&[
        Grid {
            name: "1,000 keys, 4,000 sites",
            number: 0,
            keys: 1000,
            sites: 4000,
            run: 8,
            requests: false,
            ways: without(&[Way::Together, Way::Multiversion]),
        },
        Grid {
            name: "64 keys, 4,096 sites",
            number: 1,
            keys: 64,
            sites: 4096,
            run: 16,
            requests: false,
            ways: without(&[Way::Together]),
        },
        Grid {
            name: "cold",
            number: 2,
            keys: 1000,
            sites: 200 * REQUESTS,
            run: 200,
            requests: true,
            ways: without(&[Way::Multiversion]),
        },
    ])
}

/// Returns the ways without these. `Together` differs from `Atomic` only in requests.
fn without(these: &[Way]) -> Vec<Way> {
    WAYS.into_iter().filter(|way| !these.contains(way)).collect()
}
