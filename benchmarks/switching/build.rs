//! Generates the program's keys and calls, and enables the verifier.

#[path = "build/generate.rs"]
mod generate;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    fs::write(dir.join("generated.rs"), generate::source()?)?;
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    static_call_verify::enable();
    Ok(())
}
