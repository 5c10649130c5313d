//! A shared object whose functions are chosen by the dynamic linker.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Grid, Way};

/// The object's functions have the same bodies as those of other ways.
const BODY: &str = "\
typedef unsigned long u64;
static inline u64 rol(u64 x, int n) { return x << n | x >> (64 - n); }
#define F(grid, key, rotation, salt) \\
    static u64 grid##_f##key(u64 x) { return rol(x, rotation) ^ salt; } \\
    static void *grid##_r##key(void) { return grid##_f##key; } \\
    u64 grid##_##key(u64 x) __attribute__((ifunc(#grid \"_r\" #key)));

static u64 chain(u64 x) { return rol(x, 1) ^ 0x5bd1e995; }
static void *chain_r(void) { return chain; }
u64 shape_chain(u64 x) __attribute__((ifunc(\"chain_r\")));

static u64 eight(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h) {
    return rol(a, 1) ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
}
static void *eight_r(void) { return eight; }
u64 shape_eight(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
    __attribute__((ifunc(\"eight_r\")));

struct large { u64 words[8]; };
static struct large large(u64 x) {
    struct large l = {{x, rol(x, 1), x, x ^ 3, x ^ 4, rol(x, 9), x, x ^ 7}};
    return l;
}
static void *large_r(void) { return large; }
struct large shape_large(u64 x) __attribute__((ifunc(\"large_r\")));
";

/// Compiles it and links the program with it.
pub(crate) fn compile(dir: &Path, grids: &[Grid]) -> Result<(), Box<dyn Error>> {
    let mut text = BODY.to_owned();
    for grid in grids.iter().filter(|grid| grid.ways.contains(&Way::Ifunc)) {
        for key in 0..grid.keys {
            let (rotation, salt) = (key % 61 + 1, 0x70_0000 + 0x400 * grid.number + key);
            writeln!(text, "F({}, {key}, {rotation}, {salt})", grid.module())?;
        }
    }
    let source = dir.join("ifuncs.c");
    fs::write(&source, text)?;
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-fPIC", "-shared", "-o"]).arg(dir.join("libifuncs.so")).arg(source);
    let status = gcc.status().map_err(|e| format!("gcc did not start: {e}"))?;
    if !status.success() {
        return Err(format!("gcc failed: {status}").into());
    }
    println!("cargo:rustc-link-search=native={}", dir.display());
    println!("cargo:rustc-link-lib=dylib=ifuncs");
    // Each start of the program has a copy of its own (`xtask/src/benchmarks/fresh_files.rs`).
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
    Ok(())
}
