//! Generates the program's large workloads, compiles the shared object with IFUNCs, and enables the
//! verifier.

#[path = "build/grid.rs"]
mod grid;
#[path = "build/ifunc.rs"]
mod ifunc;
#[path = "build/way.rs"]
mod way;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use grid::GRIDS;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut root = String::new();
    for grid in GRIDS {
        fs::write(dir.join(format!("{}.rs", grid.module())), grid.source()?)?;
        root += &grid.declaration(&dir);
    }
    root += &grid::list();
    fs::write(dir.join("grids.rs"), root)?;
    ifunc::compile(&dir)?;
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    let bind = env::var_os("CARGO_FEATURE_BIND").is_some();
    static_call_verify::LinkHook::new().bind_defaults(bind).enable();
    Ok(())
}
