//! Generates the program's requests, and enables the verifier.

#[path = "build/requests.rs"]
mod requests;
#[path = "build/way.rs"]
mod way;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use way::Way;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let forms = env::var_os("CARGO_FEATURE_FORMS").is_some();
    let ways: Vec<_> = Way::ALL.into_iter().filter(|way| way.is_wanted(forms)).collect();
    let mut root = String::new();
    for way in &ways {
        let path = dir.join(format!("{}.rs", way.module()));
        fs::write(&path, requests::source(*way)?)?;
        root += &format!("#[path = {path:?}]\nmod {};\n", way.module());
    }
    root += &requests::list(&ways);
    fs::write(dir.join("requests.rs"), root)?;
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    let bind = env::var_os("CARGO_FEATURE_BIND").is_some();
    static_call_verify::LinkHook::new().bind_defaults(bind).enable();
    Ok(())
}
