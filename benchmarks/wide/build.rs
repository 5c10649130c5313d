//! Generates the program's workload.

use std::error::Error;

use grids::{Grid, Way};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    grids::build(&[Grid {
        name: "1,024 keys, 65,536 sites",
        number: 0,
        keys: 1024,
        sites: 65536,
        run: 64,
        requests: false,
        // More than these would take the compiler more than 8 GB of memory.
        ways: vec![Way::Direct, Way::Again, Way::Static, Way::Atomic, Way::Dyn, Way::Ifunc],
    }])
}
