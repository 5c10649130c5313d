//! What one update costs in programs with few keys and with many: it must not depend on the number
//! of keys that it is not about. And what the first update costs, before threads start and after.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::run::{Result, cargo, output, root, scratch};
use crate::spread::Spread;

/// Keys of the programs.
const SIZES: [u32; 3] = [100, 1000, 10_000];
/// How often each program runs.
const ROUNDS: usize = 5;

/// The medians of a program with this many keys.
#[derive(Serialize)]
pub(super) struct Scale {
    keys: u32,
    update_us: f64,
    touched_kib: f64,
    init_ms: f64,
    first_update_ms: f64,
    first_update_with_threads_ms: f64,
}

/// Measures a program of each size.
pub(super) fn measure() -> Result<Vec<Scale>> {
    let of = |keys| {
        let program = build(keys)?;
        let column = |mode: &str, name: &str| median(&program, mode, name);
        Ok(Scale {
            keys,
            update_us: column("later", "update")? / 1e3,
            touched_kib: column("later", "touched")?,
            init_ms: column("later", "init")? / 1e6,
            first_update_ms: column("first", "update")? / 1e6,
            first_update_with_threads_ms: column("threads", "update")? / 1e6,
        })
    };
    SIZES.into_iter().map(of).collect()
}

/// Returns a table with a row for each size.
pub(super) fn table(rows: &[Scale]) -> String {
    let mut text = String::from(
        "\nOne update of a key with four calls, in programs with more and more keys: medians after \
         `init()`, and the memory that it reads or writes, all of the process included.\n\n\
         | keys | an update, us | memory, KiB | `init()`, ms | the first update, ms | with \
         threads, ms |\n\
         |--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        text += &format!(
            "| {} | {:.1} | {:.0} | {:.2} | {:.2} | {:.2} |\n",
            row.keys,
            row.update_us,
            row.touched_kib,
            row.init_ms,
            row.first_update_ms,
            row.first_update_with_threads_ms,
        );
    }
    text
}

/// Returns the median of what the program prints after `name` in this mode.
fn median(program: &Path, mode: &str, name: &str) -> Result<f64> {
    let mut values = Vec::new();
    for _ in 0..ROUNDS {
        let printed = output(Command::new(program).arg(mode))?;
        let value = printed.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        values.push(value.ok_or_else(|| format!("`{name}` was not printed"))?);
    }
    Ok(Spread::of(values).ok_or("nothing was measured")?.median)
}

fn build(keys: u32) -> Result<PathBuf> {
    let dir = scratch("footprint").join(format!("scale-{keys}"));
    fs::create_dir_all(dir.join("src"))?;
    fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    let path = |name: &str| root().join(name).display().to_string();
    let manifest = format!(
        "[package]\nname = \"scale-{keys}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n\
         [dependencies]\nstatic-call = {{ path = {:?} }}\n\n\
         [build-dependencies]\nstatic-call-verify = {{ path = {:?} }}\n",
        path("static-call"),
        path("static-call-verify"),
    );
    fs::write(dir.join("Cargo.toml"), manifest)?;
    fs::write(dir.join("build.rs"), "fn main() {\n    static_call_verify::enable();\n}\n")?;
    fs::write(dir.join("src/main.rs"), source(keys)?)?;
    let target = scratch("footprint").join("target");
    let mut command = cargo(["build", "--release"]);
    output(command.env("CARGO_TARGET_DIR", &target).current_dir(&dir))?;
    Ok(target.join(format!("release/scale-{keys}")))
}

fn source(keys: u32) -> Result<String> {
    let mut text = String::from("use std::hint::black_box;\nuse static_call::static_call;\n\n");
    for i in 0..keys {
        write!(
            text,
            "#[static_call]\nfn f{i}(x: u64) -> u64 {{\n    x ^ {i}\n}}\n\
             #[inline(never)]\nfn c{i}(x: u64) -> u64 {{\n    \
             f{i}(f{i}(x) + 1) + f{i}(f{i}(x ^ 2) ^ 3)\n}}\n",
        )?;
    }
    text += MAIN;
    text += "fn call_all(mut x: u64) -> u64 {\n";
    for i in 0..keys {
        writeln!(text, "    x ^= c{i}(black_box(x));")?;
    }
    Ok(text + "    x\n}\n")
}

const MAIN: &str = r#"
fn other(x: u64) -> u64 {
    x.rotate_left(3)
}

fn timed(body: impl FnOnce()) -> u128 {
    let start = std::time::Instant::now();
    body();
    start.elapsed().as_nanos()
}

/// Memory that was read or written since the last `clear_refs`, in KiB.
fn touched() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let referenced = maps.lines().filter_map(|line| line.strip_prefix("Referenced:"));
    referenced.filter_map(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).sum()
}

fn main() {
    black_box(call_all(1));
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode == "threads" {
        for _ in 0..2 {
            std::thread::spawn(|| loop { std::thread::park() });
        }
    }
    if mode != "later" {
        println!("update {}", timed(|| drop(f0::update(other).unwrap())));
        return;
    }
    println!("init {}", timed(|| drop(static_call::init().unwrap())));
    let mut times: Vec<_> = (0..2000)
        .map(|i| {
            timed(|| match i % 2 {
                0 => drop(f0::update(other).unwrap()),
                _ => drop(f0::reset().unwrap()),
            })
        })
        .collect();
    times.sort_unstable();
    println!("update {}", times[times.len() / 2]);
    let _ = std::fs::write("/proc/self/clear_refs", "1");
    f0::update(other).unwrap();
    println!("touched {}", touched());
    black_box(call_all(1));
}
"#;
