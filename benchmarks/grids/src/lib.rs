//! Generates workloads of many keys and many call sites. Build scripts of measured programs call
//! [`build`], and include `grids.rs` from their `OUT_DIR`.

mod grid;
mod ifunc;
mod random;
mod way;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

pub use grid::Grid;
pub use random::Random;
pub use way::Way;

/// Writes `grids.rs`, compiles the shared object with IFUNCs, and enables the verifier. Cargo's
/// features `few` and `bind` of the package mean: only direct and static calls; calls are bound
/// when the program is linked.
///
/// # Errors
///
/// A file cannot be written, or gcc fails.
pub fn build(grids: &[Grid]) -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut root = String::new();
    for grid in grids {
        fs::write(dir.join(format!("{}.rs", grid.module())), grid.source()?)?;
        root += &grid.declaration(&dir);
    }
    root += &grid::list(grids);
    fs::write(dir.join("grids.rs"), root)?;
    ifunc::compile(&dir, grids)?;
    let bind = env::var_os("CARGO_FEATURE_BIND").is_some();
    static_call_verify::LinkHook::new().bind_defaults(bind).enable();
    Ok(())
}
