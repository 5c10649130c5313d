//! The linker of the link hook: a separate program, which is this package's build script.
//!
//! As a build script it copies itself to where the library includes it (`link::program`). A user's
//! build script writes it to a directory from which the compiler driver runs it as the linker.
//! So none of the user's code runs there, and it does not matter where `enable` is called.
//!
//! It shares its sources with the library, because a library cannot be a dependency of its own
//! build script.
#![forbid(unsafe_code)]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the modules belong to the library, which uses and exports more of them"
)]

mod atomic_file;
mod compiled;
mod demangle;
mod elf;
mod findings;
mod grade;
mod lines;
mod records;
mod report;
mod search;
mod stamp;
mod table;
mod threads;
mod verify;

mod link {
    mod args;
    mod install;
    #[cfg(unix)]
    pub(crate) mod linker;
    pub(crate) mod role;
    mod scratch;
    mod side_files;
    mod user_linker;
}

mod policy {
    mod keys;
    mod level;
    mod names;
    mod rules;
    pub(crate) mod settings;

    pub(crate) use keys::FindingKey;
    pub(crate) use level::Level;
    pub(crate) use rules::Policy;
}

mod render {
    pub(crate) mod text;
}

use std::path::Path;
use std::process::exit;
use std::{env, fs};

use object::elf::{FileHeader64, SHN_UNDEF};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian as LE, pod};

use link::role::Role;

fn main() {
    #[cfg(unix)]
    if let Role::Linker(dir) = Role::of_this_process() {
        link::linker::main(&dir);
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
