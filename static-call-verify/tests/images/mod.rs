//! Makes images for tests, from assembly text and from the fixture with cargo.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod label;
#[path = "../tools/mod.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

#[allow(unused_imports, reason = "as above")]
pub(crate) use tools::have;

/// A key `key` with a stub, a plain trampoline `tramp` and a site trampoline `site_tramp`, as the
/// macros emit them.
pub(crate) const PRELUDE: &str = r#"
    .section linkme_STATIC_CALL_0_1_KEYS,"aw",@progbits
    .p2align 3
record:
    .quad shim, 0, shim, stub, text
    .short 6, 3, 7, 8
    .long 5, 9, 0
    .byte 0, 0, 0, 0
    .section linkme_STATIC_CALL_0_1_SITES,"aw",@progbits
    .p2align 3
site:
    .quad file, 7
    .long 11, 13
    .quad 0x5173
    .section .rodata.texts,"a",@progbits
text: .ascii "module"
    .ascii "::"
    .ascii "key"
file: .ascii "file.rs"
    .ascii "fn key()"
    .section .text.tramp,"ax",@progbits
    .p2align 3
    .type tramp, @function
tramp:
    .byte 0xe9
    .long stub - . - 4
    .byte 0xcc, 0xcc, 0xcc
    .size tramp, . - tramp
    .section static_call_0_1_trampolines,"ao",@progbits,tramp
    .p2align 2
    .long tramp - ., stub - .
    .quad 0
    .section .text.site_tramp,"ax",@progbits
    .p2align 3
    .type site_tramp, @function
site_tramp:
    .byte 0xe9
    .long stub - . - 4
    .byte 0xcc, 0xcc, 0xcc
    .size site_tramp, . - site_tramp
    .section static_call_0_1_trampolines,"ao",@progbits,site_tramp
    .p2align 2
    .long site_tramp - ., stub - .
    .quad 0x5173
    .section .text.stub,"ax",@progbits
    .p2align 3
    .type stub, @function
stub:
    .byte 0x4c, 0x8b, 0x1d
    .long 0
    .reloc stub + 3, R_X86_64_REX_GOTPCRELX, record - 4
    jmp *(%r11)
    .size stub, . - stub
    .section .text.shim,"ax",@progbits
    .type shim, @function
shim:
    ret
    .size shim, . - shim
    .section static_call_0_1_runtime,"aR",@progbits
    .byte 1
    .section .note.GNU-stack,"",@progbits
    .text
    .p2align 6
    .globl _start
"#;

/// Wraps a body in a function `name`.
pub(crate) fn function(name: &str, body: &str) -> String {
    format!(
        "    .p2align 6\n    .type {name}, @function\n{name}:\n    .cfi_startproc\n{body}\n    \
         .cfi_endproc\n    .size {name}, . - {name}\n"
    )
}

/// Returns a directory for this test program's files.
pub(crate) fn scratch() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    std::fs::create_dir_all(&dir).expect("a directory for test files");
    dir
}

/// Returns a file name that no other test uses.
pub(crate) fn fresh(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    scratch().join(format!("{}-{n}-{name}", std::process::id()))
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the arguments that make a driver choose these linkers, one linker each, for those that
/// are installed.
pub(crate) fn linkers(names: &[&str]) -> Vec<String> {
    let there = names.iter().filter(|name| have(&[&format!("ld.{name}")]));
    there.map(|name| format!("-fuse-ld={name}")).collect()
}

/// Assembles `text` into an object file.
pub(crate) fn assemble(text: &str) -> PathBuf {
    assemble_with(text, &[])
}

/// Assembles `text` with more arguments.
pub(crate) fn assemble_with(text: &str, args: &[&str]) -> PathBuf {
    let (source, object) = (fresh("a.s"), fresh("a.o"));
    std::fs::write(&source, text).expect("the source is written");
    run(Command::new("cc").args(["-c", "-o"]).arg(&object).arg(&source).args(args));
    let _ = std::fs::remove_file(source);
    object
}

/// Links objects with `cc -nostdlib` and more arguments.
pub(crate) fn link(objects: &[&Path], args: &[&str]) -> Vec<u8> {
    let out = fresh("a.out");
    run(Command::new("cc").args(["-nostdlib", "-o"]).arg(&out).args(objects).args(args));
    let bytes = std::fs::read(&out).expect("the image is read");
    let _ = std::fs::remove_file(out);
    bytes
}

/// Returns an image of the prelude and `text`.
pub(crate) fn image(text: &str, args: &[&str]) -> Vec<u8> {
    let object = assemble(&format!("{PRELUDE}{text}"));
    let image = link(&[&object], args);
    let _ = std::fs::remove_file(object);
    image
}

/// The flags of the workspace's own configuration.
pub(crate) const FLAGS: &[&str] = &[
    "-Cllvm-args=-x86-align-branch-boundary=8",
    "-Cllvm-args=-x86-align-branch=call",
    "-Crelro-level=partial",
    "-Clink-arg=-Wl,-z,relro,-z,now",
];

/// Flags that choose GNU ld.
pub(crate) const GNU_LD: &[&str] = &["-Clinker-features=-lld"];
/// Flags that choose mold.
pub(crate) const MOLD: &[&str] = &["-Clinker-features=-lld", "-Clink-arg=-fuse-ld=mold"];
/// Flags that choose clang as driver.
pub(crate) const CLANG: &[&str] = &["-Clinker=clang"];

/// Builds the fixture with `flags` for every crate and `last` only for the last one.
pub(crate) fn fixture(target: &[&str], profile: &str, flags: &[&str], last: &[&str]) -> PathBuf {
    // One at a time: the result is copied away before the next build overwrites it.
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let build = scratch().join("fixture-target");
    let triple = "x86_64-unknown-linux-gnu";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &build)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .args(["rustc", "--quiet", "--locked", "--target", triple, "--profile", profile])
        .args(target)
        .arg("--")
        .args(last));
    let dir = if profile == "dev" { "debug" } else { profile };
    let file = match target {
        ["--example", name] => format!("examples/lib{name}.so"),
        _ => "fixture".to_owned(),
    };
    let copy = fresh("fixture");
    std::fs::copy(build.join(triple).join(dir).join(file), &copy).expect("the fixture is built");
    copy
}
