//! The program of the link hook, which is this package's build script. It has three roles:
//!
//! - as this package's build script it copies itself to where the library includes it (`hook`);
//! - a user's build script writes it to `OUT_DIR` and runs it to hook the links
//!   (`link::build_script`);
//! - the compiler driver then runs it as the linker (`link::linker`).
//!
//! So none of the user's code runs in a link, it does not matter where `enable` is called, and a
//! build script compiles little more than these bytes. With the feature `library` the library has
//! the same sources: it cannot be a dependency of its own build script.
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the modules belong to the library, which uses and exports more of them"
)]

mod arguments;
mod atomic_file;
mod bind;
mod compiled;
mod demangle;
mod elf;
mod findings;
mod grade;
#[cfg(feature = "lines")]
mod lines;
mod link;
#[cfg(not(feature = "lines"))]
mod no_lines;
mod policy;
mod records;
mod report;
mod search;
mod sort;
mod stamp;
mod table;
mod threads;
mod verify;

mod render {
    pub(crate) mod text;
}

use std::path::Path;
use std::process::exit;
use std::{env, fs};

use object::elf::{FileHeader64, SHN_UNDEF};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian as LE, pod};

use arguments::BUILD_SCRIPT;
use link::role::Role;

fn main() {
    #[cfg(unix)]
    if let Role::Linker(dir) = Role::of_this_process() {
        link::linker::main(&dir);
    }
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == BUILD_SCRIPT) {
        return link::build_script::main(arguments);
    }
    let Some(out_dir) = env::var_os("OUT_DIR") else {
        eprintln!("static-call: this program is run by a compiler driver, as its linker");
        exit(1);
    };
    // Cargo reruns it when it is rebuilt. Changed test files must not rerun it.
    println!("cargo::rerun-if-changed=src/linker.rs");
    let copied = env::current_exe().and_then(fs::read).and_then(|mut own| {
        drop_sections(&mut own);
        fs::write(Path::new(&out_dir).join("linker"), own)
    });
    if let Err(error) = copied {
        println!("cargo::error=static-call: cannot copy the link hook's linker: {error}");
        exit(1);
    }
}

/// Truncates an ELF executable to what its segments hold. The rest is mostly debug information of
/// the standard library, and every build script that hooks links has a copy of the executable.
fn drop_sections(executable: &mut Vec<u8>) -> Option<()> {
    let header = FileHeader64::<LE>::parse(&**executable).ok()?;
    let segments = header.program_headers(LE, &**executable).ok()?;
    let ends = segments.iter().map(|s| s.p_offset(LE).checked_add(s.p_filesz(LE)));
    let end = usize::try_from(ends.max()??).ok().filter(|end| *end <= executable.len())?;
    executable.truncate(end);
    let (header, _) = pod::from_bytes_mut::<FileHeader64<LE>>(executable).ok()?;
    header.e_shoff.set(LE, 0);
    header.e_shnum.set(LE, 0);
    header.e_shstrndx.set(LE, SHN_UNDEF);
    Some(())
}
