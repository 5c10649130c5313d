//! The linker of the link hook, a program of its own: this package's build script.
//!
//! As a build script it puts itself where the library includes it (`hook::program`). A user's
//! build script writes it into a directory from which the compiler driver runs it as the linker.
//! So no code of the user's runs there, and nothing depends on where `enable` is called.
//!
//! It shares its sources with the library, which cannot be a dependency of its own build script.
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "these modules are written for the library, which uses and exports more of them"
)]

mod budget;
mod decode;
mod demangle;
mod extents;
mod findings;
mod flow;
mod got;
mod grade;
mod image;
mod inputs;
mod labels;
mod lines;
mod places;
mod plt;
mod pointers;
mod policy;
mod records;
mod report;
mod scan;
mod stamp;
mod table;
mod table_object;
mod threads;
mod unwind;
mod verify;

mod hook {
    pub(crate) mod args;
    #[cfg(unix)]
    mod capacity;
    pub(crate) mod choice;
    pub(crate) mod install;
    #[cfg(unix)]
    pub(crate) mod link;
    #[cfg(unix)]
    mod objects;
    pub(crate) mod output;
    pub(crate) mod role;
    pub(crate) mod scratch;
    pub(crate) mod settings;
    pub(crate) mod side_files;
}

use std::env;
use std::path::Path;
use std::process::exit;

use hook::install::{Program, install};
use hook::role::Role;
use inputs::InputCounter;
use policy::{FindingKey, Level, Policy};
use report::Report;
use stamp::Stamped;
use table_object::table_object;
use verify::verify;

fn main() {
    #[cfg(unix)]
    if let Role::Linker(dir) = Role::of_this_process() {
        hook::link::main(&dir);
    }
    let Some(out_dir) = env::var_os("OUT_DIR") else {
        eprintln!("static-call: this program is run by a compiler driver, as its linker");
        exit(1);
    };
    // Cargo runs it again when it was built anew. The files of the tests are no reason.
    println!("cargo::rerun-if-changed=src/linker.rs");
    if let Err(error) = install(Path::new(&out_dir), "linker", Program::Own) {
        println!("cargo::error=static-call: the linker of the hook cannot be copied: {error}");
        exit(1);
    }
}
